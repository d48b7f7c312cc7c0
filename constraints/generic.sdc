# Any device and tool that reads SDC (Vivado takes it as XDC): the engine's one clock.
# 8.000 ns = 125 MHz, the goal of preset `default`; `full` at 100 Gb/s needs 5.120 ns = 195.3125 MHz.
create_clock -name clk -period 8.000 [get_ports clk]

# The reset is synchronous to clk. The streams are registered on both sides of their ports, or by the
# MAC: they get half of a period outside.
set_input_delay 4.000 -clock clk [remove_from_collection [all_inputs] [get_ports clk]]
set_output_delay 4.000 -clock clk [all_outputs]
