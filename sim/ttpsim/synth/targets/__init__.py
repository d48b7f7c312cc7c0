"""Targets of `make synth`: what is synthesised, and with which tools."""
