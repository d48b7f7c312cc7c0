"""Ethernet MACs: between the engine's beats and a PHY's pins."""
