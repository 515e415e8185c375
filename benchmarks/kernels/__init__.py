"""Single layers, the loss and the optimizers over the shapes of real nets: ``python -m benchmarks kernels``."""
