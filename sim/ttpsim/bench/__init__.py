"""Measures the engine and compares with the baseline."""
