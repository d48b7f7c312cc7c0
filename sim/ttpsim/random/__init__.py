"""Random cases against the model."""
