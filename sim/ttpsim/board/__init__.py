"""Boards: their bitstreams, what is said to them, their netlists in a simulator."""
