"""Runs scenarios on simulators."""
