"""Training: recipes made of parts, and the engine that runs them."""
