# Any device and tool that reads SDC (Vivado takes it as XDC): the engine's one clock.
# 8.000 ns = 125 MHz, the goal of preset `default`; `full` at 100 Gb/s needs 5.120 ns = 195.3125 MHz.
create_clock -name clk -period 8.000 [get_ports clk]

# The reset is synchronous to clk. What surrounds the engine is given half of the period; some tools
# warn that clk is among the inputs.
set_input_delay 4.000 -clock clk [all_inputs]
set_output_delay 4.000 -clock clk [all_outputs]
