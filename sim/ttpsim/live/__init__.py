"""A simulated NIC on a real wire, in wall-clock time (docs/live-wire.md)."""
