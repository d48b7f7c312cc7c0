"""Targets of `ttpoe synth`: what is synthesised, and with which tools."""
