"""Ethernet MACs: frames of the engine become what a PHY's pins carry, and back (IEEE 802.3)."""
