"""Control and status: the register map as data, and the hardware behind AXI4-Lite."""
