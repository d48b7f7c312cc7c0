# The top `port` with XGMII (ttpoe emit --top port --mac xgmii), at 10 Gb/s. XGMII goes to a PCS on the
# same chip: its paths end at registers there.
create_clock -name clk -period 6.400 [get_ports clk]
create_clock -name xgmii_tx_clk -period 6.400 [get_ports xgmii_tx_clk]
create_clock -name xgmii_rx_clk -period 6.400 [get_ports xgmii_rx_clk]

# Gray counters, and the memory of a FIFO behind them: a period of the faster clock, and no hold.
# In Vivado write -datapath_only behind each of these periods, and leave the lines with -hold out.
set_max_delay 6.400 -from [get_clocks clk] -to [get_clocks xgmii_tx_clk]
set_false_path -hold -from [get_clocks clk] -to [get_clocks xgmii_tx_clk]
set_max_delay 6.400 -from [get_clocks xgmii_tx_clk] -to [get_clocks clk]
set_false_path -hold -from [get_clocks xgmii_tx_clk] -to [get_clocks clk]
set_max_delay 6.400 -from [get_clocks clk] -to [get_clocks xgmii_rx_clk]
set_false_path -hold -from [get_clocks clk] -to [get_clocks xgmii_rx_clk]
set_max_delay 6.400 -from [get_clocks xgmii_rx_clk] -to [get_clocks clk]
set_false_path -hold -from [get_clocks xgmii_rx_clk] -to [get_clocks clk]
# What is sent and what is received have nothing in common.
set_false_path -from [get_clocks xgmii_tx_clk] -to [get_clocks xgmii_rx_clk]
set_false_path -from [get_clocks xgmii_rx_clk] -to [get_clocks xgmii_tx_clk]
