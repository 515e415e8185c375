"""Benchmarks: ``python -m benchmarks`` checks results, then times them, next to PyTorch where that is installed."""
