"""What native programs share."""
