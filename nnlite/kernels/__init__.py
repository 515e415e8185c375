"""The mathematics: pure functions on arrays, forward and backward side by side, and what makes them fast."""
