"""A NIC with its MAC: from the host's streams to the pins of a PHY."""
