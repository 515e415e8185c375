"""What everything is made of: Variable, the Layer contract, Symbol, and the registry of names."""
