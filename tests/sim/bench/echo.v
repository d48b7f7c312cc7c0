// A stand-in for the engine, for the tests of the bench: the host's payloads go out as frames, the
// MAC's frames come out as payloads, whole packets at a time. `cfg_fault` breaks the contract of
// m_mac_tx: 1 takes valid back, 2 changes waiting data, 3 makes a hole in keep, 4 sends X,
// 5 pauses within a frame.
module ttp_engine(clk, rst, s_host_tx0_tdata, s_host_tx0_tkeep, s_host_tx0_tlast, s_host_tx0_tdest,
    s_host_tx0_tvalid, s_host_tx0_tready, m_mac_tx_tdata, m_mac_tx_tkeep, m_mac_tx_tlast,
    m_mac_tx_tvalid, m_mac_tx_tready, s_mac_rx_tdata, s_mac_rx_tkeep, s_mac_rx_tlast,
    s_mac_rx_tuser, s_mac_rx_tvalid, m_host_rx0_tdata, m_host_rx0_tkeep, m_host_rx0_tlast,
    m_host_rx0_tuser, m_host_rx0_tvalid, m_host_rx0_tready, cfg_node, cfg_fault, ready,
    stat_frame_sent, stat_bad_frame);
  input clk;
  input rst;
  input [63:0] s_host_tx0_tdata;
  input [7:0] s_host_tx0_tkeep;
  input s_host_tx0_tlast;
  input [23:0] s_host_tx0_tdest;
  input s_host_tx0_tvalid;
  output s_host_tx0_tready;
  output [63:0] m_mac_tx_tdata;
  output [7:0] m_mac_tx_tkeep;
  output m_mac_tx_tlast;
  output m_mac_tx_tvalid;
  input m_mac_tx_tready;
  input [63:0] s_mac_rx_tdata;
  input [7:0] s_mac_rx_tkeep;
  input s_mac_rx_tlast;
  input s_mac_rx_tuser;
  input s_mac_rx_tvalid;
  output [63:0] m_host_rx0_tdata;
  output [7:0] m_host_rx0_tkeep;
  output m_host_rx0_tlast;
  output [55:0] m_host_rx0_tuser;
  output m_host_rx0_tvalid;
  input m_host_rx0_tready;
  input [23:0] cfg_node;
  input [2:0] cfg_fault;
  output ready;
  output stat_frame_sent;
  output stat_bad_frame;

  wire [72:0] sent;
  wire held;
  reg [3:0] clocks;
  reg pause;
  packets tx (.clk(clk), .rst(rst), .in_valid(s_host_tx0_tvalid), .in_ready(s_host_tx0_tready),
    .in_data({s_host_tx0_tlast, s_host_tx0_tkeep, s_host_tx0_tdata}),
    .out_valid(held), .out_ready(m_mac_tx_tready && m_mac_tx_tvalid), .out_data(sent));
  packets rx (.clk(clk), .rst(rst), .in_valid(s_mac_rx_tvalid), .in_ready(),
    .in_data({s_mac_rx_tlast, s_mac_rx_tkeep, s_mac_rx_tdata}),
    .out_valid(m_host_rx0_tvalid), .out_ready(m_host_rx0_tready),
    .out_data({m_host_rx0_tlast, m_host_rx0_tkeep, m_host_rx0_tdata}));

  always @(posedge clk) begin
    clocks <= rst ? 0 : clocks + 1;
    pause <= !rst && cfg_fault == 5 && m_mac_tx_tvalid && m_mac_tx_tready && !m_mac_tx_tlast;
  end
  assign m_mac_tx_tvalid = held && !pause && !(cfg_fault == 1 && clocks[0]);
  assign m_mac_tx_tdata = cfg_fault == 4 ? 64'bx : cfg_fault == 2 ? sent[63:0] ^ clocks
    : sent[63:0];
  assign m_mac_tx_tkeep = cfg_fault == 3 ? 8'hF5 : sent[71:64];
  assign m_mac_tx_tlast = sent[72];
  assign m_host_rx0_tuser = {32'd7, cfg_node};
  assign ready = clocks != 0;
  assign stat_frame_sent = m_mac_tx_tvalid && m_mac_tx_tready && m_mac_tx_tlast;
  assign stat_bad_frame = s_mac_rx_tvalid && s_mac_rx_tlast && s_mac_rx_tuser;
endmodule

// A queue of 1024 beats that gives a packet out once its last beat (bit 72) is in.
module packets(input clk, input rst, input in_valid, output in_ready, input [72:0] in_data,
    output out_valid, input out_ready, output [72:0] out_data);
  reg [72:0] beats [0:1023];
  reg [10:0] head, tail, whole;
  assign in_ready = tail - head != 11'd1024;
  assign out_valid = whole != 0;
  assign out_data = beats[head[9:0]];
  wire put = in_valid && in_ready;
  wire get = out_valid && out_ready;
  always @(posedge clk) begin
    if (put) beats[tail[9:0]] <= in_data;
    tail <= rst ? 0 : tail + put;
    head <= rst ? 0 : head + get;
    whole <= rst ? 0 : whole + (put && in_data[72]) - (get && out_data[72]);
  end
endmodule
