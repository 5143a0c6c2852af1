"""Pure functions on tensors, most in the Fourier domain; they know nothing of models."""
