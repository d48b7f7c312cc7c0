# The top `port` with GMII (ttpoe emit --top port --mac gmii), at 1000 Mb/s.
create_clock -name clk -period 8.000 [get_ports clk]
create_clock -name gmii_tx_clk -period 8.000 [get_ports gmii_tx_clk]
create_clock -name gmii_rx_clk -period 8.000 [get_ports gmii_rx_clk]

# Gray counters, and the memory of a FIFO behind them: a period of the faster clock, and no hold.
# In Vivado write -datapath_only behind each of these periods, and leave the lines with -hold out.
set_max_delay 8.000 -from [get_clocks clk] -to [get_clocks gmii_tx_clk]
set_false_path -hold -from [get_clocks clk] -to [get_clocks gmii_tx_clk]
set_max_delay 8.000 -from [get_clocks gmii_tx_clk] -to [get_clocks clk]
set_false_path -hold -from [get_clocks gmii_tx_clk] -to [get_clocks clk]
set_max_delay 8.000 -from [get_clocks clk] -to [get_clocks gmii_rx_clk]
set_false_path -hold -from [get_clocks clk] -to [get_clocks gmii_rx_clk]
set_max_delay 8.000 -from [get_clocks gmii_rx_clk] -to [get_clocks clk]
set_false_path -hold -from [get_clocks gmii_rx_clk] -to [get_clocks clk]
# What is sent and what is received have nothing in common.
set_false_path -from [get_clocks gmii_tx_clk] -to [get_clocks gmii_rx_clk]
set_false_path -from [get_clocks gmii_rx_clk] -to [get_clocks gmii_tx_clk]

# IEEE 802.3 clause 35.4.1: a PHY gives 2.5 ns before the edge of RX_CLK and 0.5 ns behind it, and
# wants the same of TX_CLK.
set gmii_in [get_ports {gmii_rxd[*] gmii_rx_dv gmii_rx_er}]
set_input_delay -clock gmii_rx_clk -max 5.500 $gmii_in
set_input_delay -clock gmii_rx_clk -min 0.500 $gmii_in
set gmii_out [get_ports {gmii_txd[*] gmii_tx_en gmii_tx_er}]
set_output_delay -clock gmii_tx_clk -max 2.500 $gmii_out
set_output_delay -clock gmii_tx_clk -min -0.500 $gmii_out

# MDC has 2.5 MHz at most, and MDIO changes with the other edge.
set_false_path -to [get_ports {mdc mdio_o mdio_oe}]
set_false_path -from [get_ports mdio_i]
