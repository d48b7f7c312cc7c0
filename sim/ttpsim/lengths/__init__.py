"""Frames of every length through a MAC, both ways, as a native program."""
