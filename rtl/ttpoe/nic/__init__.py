"""The NIC around the engine: the operating system's own frames beside TTP (section 8)."""
