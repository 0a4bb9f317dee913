"""Routes that ask a model."""
