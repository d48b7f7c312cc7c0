"""Synthesis, place and route."""
