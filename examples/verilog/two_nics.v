// Two NICs back to back: the host of NIC 1 sends packets on VC 2, the host of NIC 2 receives them,
// and the wire between them spoils every 11th frame, every 37th on the way back. Plain Verilog
// 2005, 64-bit streams.
//
// `done`: every packet has arrived. `errors`: packets that arrived wrong, twice or out of order.
module two_nics #(
    parameter PACKETS = 50
) (
    input             clk,
    input             rst,
    output            done,
    output     [31:0] received,
    output     [31:0] errors,
    output     [31:0] spoiled,      // frames on the way to NIC 2
    // AXI4-Lite of NIC 2, reads only
    input      [15:0] s_axil_araddr,
    input             s_axil_arvalid,
    output            s_axil_arready,
    output     [31:0] s_axil_rdata,
    output      [1:0] s_axil_rresp,
    output            s_axil_rvalid,
    input             s_axil_rready
);
  localparam [23:0] NODE_1 = 24'h000001, NODE_2 = 24'h000002;

  wire [63:0] tx_tdata, rx_tdata, out_1_tdata, out_2_tdata, in_1_tdata, in_2_tdata;
  wire [7:0] tx_tkeep, rx_tkeep, out_1_tkeep, out_2_tkeep, in_1_tkeep, in_2_tkeep;
  wire [55:0] rx_tuser;
  wire tx_tlast, tx_tvalid, tx_tready, rx_tlast, rx_tvalid, rx_tready;
  wire out_1_tlast, out_1_tvalid, out_2_tlast, out_2_tvalid;
  wire in_1_tlast, in_1_tvalid, in_1_tuser, in_2_tlast, in_2_tvalid, in_2_tuser;

  packet_source #(.PACKETS(PACKETS)) source (
      .clk(clk), .rst(rst), .tdata(tx_tdata), .tkeep(tx_tkeep), .tlast(tx_tlast),
      .tvalid(tx_tvalid), .tready(tx_tready));

  // The constants at open_id_seed are for this simulation only: in hardware the seed must differ at
  // every start of a node (docs/guides/integration.md, "Who it is").
  // What is not used is tied to the idle value of the port list (ttp_managed_nic_ports.md); a
  // simulator sets an input that is left open to 0 or to Z, so nothing is left open here.
  ttp_managed_nic nic_1 (
      .clk(clk), .rst(rst), .node(NODE_1), .open_id_seed(32'h11111111),
      .s_mac_rx_tdata(in_1_tdata), .s_mac_rx_tkeep(in_1_tkeep), .s_mac_rx_tlast(in_1_tlast),
      .s_mac_rx_tuser(in_1_tuser), .s_mac_rx_tvalid(in_1_tvalid),
      .m_mac_tx_tdata(out_1_tdata), .m_mac_tx_tkeep(out_1_tkeep), .m_mac_tx_tlast(out_1_tlast),
      .m_mac_tx_tvalid(out_1_tvalid), .m_mac_tx_tready(1'b1),
      .s_host_tx2_tdata(tx_tdata), .s_host_tx2_tkeep(tx_tkeep), .s_host_tx2_tlast(tx_tlast),
      .s_host_tx2_tdest(NODE_2), .s_host_tx2_tvalid(tx_tvalid), .s_host_tx2_tready(tx_tready),
      .s_host_tx0_tdata(64'd0), .s_host_tx0_tkeep(8'd0), .s_host_tx0_tlast(1'b0),
      .s_host_tx0_tdest(24'd0), .s_host_tx0_tvalid(1'b0),
      .s_host_tx1_tdata(64'd0), .s_host_tx1_tkeep(8'd0), .s_host_tx1_tlast(1'b0),
      .s_host_tx1_tdest(24'd0), .s_host_tx1_tvalid(1'b0),
      .m_host_rx0_tready(1'b0), .m_host_rx1_tready(1'b0), .m_host_rx2_tready(1'b0),
      .s_os_tx_tdata(64'd0), .s_os_tx_tkeep(8'd0), .s_os_tx_tlast(1'b0), .s_os_tx_tuser(1'b0),
      .s_os_tx_tvalid(1'b0), .m_os_rx_tready(1'b1),
      .s_axil_awaddr(16'd0), .s_axil_awprot(3'd0), .s_axil_awvalid(1'b0), .s_axil_wdata(32'd0),
      .s_axil_wstrb(4'd0), .s_axil_wvalid(1'b0), .s_axil_bready(1'b1), .s_axil_araddr(16'd0),
      .s_axil_arprot(3'd0), .s_axil_arvalid(1'b0), .s_axil_rready(1'b1));

  ttp_managed_nic nic_2 (
      .clk(clk), .rst(rst), .node(NODE_2), .open_id_seed(32'h22222222),
      .s_mac_rx_tdata(in_2_tdata), .s_mac_rx_tkeep(in_2_tkeep), .s_mac_rx_tlast(in_2_tlast),
      .s_mac_rx_tuser(in_2_tuser), .s_mac_rx_tvalid(in_2_tvalid),
      .m_mac_tx_tdata(out_2_tdata), .m_mac_tx_tkeep(out_2_tkeep), .m_mac_tx_tlast(out_2_tlast),
      .m_mac_tx_tvalid(out_2_tvalid), .m_mac_tx_tready(1'b1),
      .m_host_rx2_tdata(rx_tdata), .m_host_rx2_tkeep(rx_tkeep), .m_host_rx2_tlast(rx_tlast),
      .m_host_rx2_tuser(rx_tuser), .m_host_rx2_tvalid(rx_tvalid), .m_host_rx2_tready(rx_tready),
      .s_host_tx0_tdata(64'd0), .s_host_tx0_tkeep(8'd0), .s_host_tx0_tlast(1'b0),
      .s_host_tx0_tdest(24'd0), .s_host_tx0_tvalid(1'b0),
      .s_host_tx1_tdata(64'd0), .s_host_tx1_tkeep(8'd0), .s_host_tx1_tlast(1'b0),
      .s_host_tx1_tdest(24'd0), .s_host_tx1_tvalid(1'b0),
      .s_host_tx2_tdata(64'd0), .s_host_tx2_tkeep(8'd0), .s_host_tx2_tlast(1'b0),
      .s_host_tx2_tdest(24'd0), .s_host_tx2_tvalid(1'b0),
      .m_host_rx0_tready(1'b0), .m_host_rx1_tready(1'b0),
      .s_os_tx_tdata(64'd0), .s_os_tx_tkeep(8'd0), .s_os_tx_tlast(1'b0), .s_os_tx_tuser(1'b0),
      .s_os_tx_tvalid(1'b0), .m_os_rx_tready(1'b1),
      .s_axil_awaddr(16'd0), .s_axil_awprot(3'd0), .s_axil_awvalid(1'b0), .s_axil_wdata(32'd0),
      .s_axil_wstrb(4'd0), .s_axil_wvalid(1'b0), .s_axil_bready(1'b1),
      .s_axil_araddr(s_axil_araddr), .s_axil_arprot(3'd0), .s_axil_arvalid(s_axil_arvalid),
      .s_axil_arready(s_axil_arready), .s_axil_rdata(s_axil_rdata), .s_axil_rresp(s_axil_rresp),
      .s_axil_rvalid(s_axil_rvalid), .s_axil_rready(s_axil_rready));

  wire [31:0] spoiled_back;
  bad_wire #(.EVERY(11)) there (
      .clk(clk), .rst(rst), .s_tdata(out_1_tdata), .s_tkeep(out_1_tkeep), .s_tlast(out_1_tlast),
      .s_tvalid(out_1_tvalid), .m_tdata(in_2_tdata), .m_tkeep(in_2_tkeep), .m_tlast(in_2_tlast),
      .m_tuser(in_2_tuser), .m_tvalid(in_2_tvalid), .spoiled(spoiled));
  bad_wire #(.EVERY(37)) back (
      .clk(clk), .rst(rst), .s_tdata(out_2_tdata), .s_tkeep(out_2_tkeep), .s_tlast(out_2_tlast),
      .s_tvalid(out_2_tvalid), .m_tdata(in_1_tdata), .m_tkeep(in_1_tkeep), .m_tlast(in_1_tlast),
      .m_tuser(in_1_tuser), .m_tvalid(in_1_tvalid), .spoiled(spoiled_back));

  packet_sink sink (
      .clk(clk), .rst(rst), .tdata(rx_tdata), .tkeep(rx_tkeep), .tlast(rx_tlast),
      .node(rx_tuser[23:0]), .expected_node(NODE_1), .tvalid(rx_tvalid), .tready(rx_tready),
      .received(received), .errors(errors));

  assign done = received == PACKETS;
endmodule


// Packet n has n % 16 + 1 beats; each holds the numbers of packet and beat, and of the last beat
// n % 8 + 1 bytes count.
module packet_source #(
    parameter PACKETS = 50
) (
    input         clk,
    input         rst,
    output [63:0] tdata,
    output  [7:0] tkeep,
    output        tlast,
    output        tvalid,
    input         tready
);
  reg [31:0] packet, beat;
  assign tdata = {beat, packet};
  assign tlast = beat == {28'd0, packet[3:0]};
  assign tkeep = tlast ? 8'hFF >> (3'd7 - packet[2:0]) : 8'hFF;
  assign tvalid = packet < PACKETS;
  always @(posedge clk)
    if (rst) begin
      packet <= 0;
      beat <= 0;
    end else if (tvalid && tready) begin
      beat <= tlast ? 0 : beat + 1;
      packet <= packet + {31'd0, tlast};
    end
endmodule


// Checks what `packet_source` sends, and stops reading now and then.
module packet_sink (
    input             clk,
    input             rst,
    input      [63:0] tdata,
    input       [7:0] tkeep,
    input             tlast,
    input      [23:0] node,
    input      [23:0] expected_node,
    input             tvalid,
    output            tready,
    output reg [31:0] received,
    output reg [31:0] errors
);
  reg [31:0] beat;
  reg [3:0] pause;
  wire last = beat == {28'd0, received[3:0]};
  wire [7:0] keep = last ? 8'hFF >> (3'd7 - received[2:0]) : 8'hFF;
  wire [63:0] mask = {{8{keep[7]}}, {8{keep[6]}}, {8{keep[5]}}, {8{keep[4]}},
                      {8{keep[3]}}, {8{keep[2]}}, {8{keep[1]}}, {8{keep[0]}}};
  assign tready = pause != 0;
  always @(posedge clk)
    if (rst) begin
      beat <= 0;
      pause <= 0;
      received <= 0;
      errors <= 0;
    end else begin
      pause <= pause + 1;
      if (tvalid && tready) begin
        beat <= tlast ? 0 : beat + 1;
        received <= received + {31'd0, tlast};
        if (tlast != last || tkeep != keep || node != expected_node
            || ((tdata ^ {beat, received}) & mask) != 0)
          errors <= errors + 1;
      end
    end
endmodule


// A wire that says of every EVERY-th frame that its check sequence was wrong.
module bad_wire #(
    parameter EVERY = 7
) (
    input             clk,
    input             rst,
    input      [63:0] s_tdata,
    input       [7:0] s_tkeep,
    input             s_tlast,
    input             s_tvalid,
    output     [63:0] m_tdata,
    output      [7:0] m_tkeep,
    output            m_tlast,
    output            m_tuser,
    output            m_tvalid,
    output reg [31:0] spoiled
);
  reg [31:0] count;
  assign m_tdata = s_tdata;
  assign m_tkeep = s_tkeep;
  assign m_tlast = s_tlast;
  assign m_tvalid = s_tvalid;
  assign m_tuser = s_tlast && count == EVERY - 1;
  always @(posedge clk)
    if (rst) begin
      count <= 0;
      spoiled <= 0;
    end else if (s_tvalid && s_tlast) begin
      count <= count == EVERY - 1 ? 0 : count + 1;
      spoiled <= spoiled + {31'd0, m_tuser};
    end
endmodule
