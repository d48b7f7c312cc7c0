"""Upsets of memories."""
