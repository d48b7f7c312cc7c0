"""A port on an FPGA board: registers over a UART, an application, LEDs, clocks, and the boards."""
