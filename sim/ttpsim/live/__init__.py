"""A simulated NIC on a real wire, in wall-clock time (docs/guides/live-wire.md)."""
