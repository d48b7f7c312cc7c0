"""Memories and FIFOs, with check bits where the configuration asks for them."""
