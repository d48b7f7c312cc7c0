# The top `port` with a hard 100G MAC (ttpoe emit --top port --mac cmac --preset full). The streams go to
# the MAC on the same chip.
create_clock -name clk -period 5.120 [get_ports clk]
create_clock -name cmac_tx_clk -period 3.103 [get_ports cmac_tx_clk]
create_clock -name cmac_rx_clk -period 3.103 [get_ports cmac_rx_clk]

# Gray counters, and the memory of a FIFO behind them: a period of the faster clock, and no hold.
# In Vivado write -datapath_only behind each of these periods, and leave the lines with -hold out.
set_max_delay 3.103 -from [get_clocks clk] -to [get_clocks cmac_tx_clk]
set_false_path -hold -from [get_clocks clk] -to [get_clocks cmac_tx_clk]
set_max_delay 3.103 -from [get_clocks cmac_tx_clk] -to [get_clocks clk]
set_false_path -hold -from [get_clocks cmac_tx_clk] -to [get_clocks clk]
set_max_delay 3.103 -from [get_clocks clk] -to [get_clocks cmac_rx_clk]
set_false_path -hold -from [get_clocks clk] -to [get_clocks cmac_rx_clk]
set_max_delay 3.103 -from [get_clocks cmac_rx_clk] -to [get_clocks clk]
set_false_path -hold -from [get_clocks cmac_rx_clk] -to [get_clocks clk]
# What is sent and what is received have nothing in common.
set_false_path -from [get_clocks cmac_tx_clk] -to [get_clocks cmac_rx_clk]
set_false_path -from [get_clocks cmac_rx_clk] -to [get_clocks cmac_tx_clk]
