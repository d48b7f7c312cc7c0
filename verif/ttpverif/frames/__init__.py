"""Frames: bytes, Scapy layers, malformed ones, capture files, and the network that loses them."""
