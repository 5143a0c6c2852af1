"""Pure functions on (..., H, W) tensors in the Fourier domain; they know nothing of models."""
