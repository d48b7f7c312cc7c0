// Runs `two_nics` until every packet has arrived, then reads two registers of NIC 2. Prints one
// line; it begins with PASSED or FAILED.
`timescale 1ns / 1ps
module bench #(
    parameter PACKETS = 50
);
  localparam LIMIT = 200000;
  // ttp_registers.h: TTP_MAGIC and TTP_COUNT_RX_BAD_FCS
  localparam [15:0] MAGIC = 16'h0000, COUNT_RX_BAD_FCS = 16'h0408;

  reg clk = 0, rst = 1;
  always #4 clk = ~clk;     // 125 MHz

  wire done, arready, rvalid;
  wire [31:0] received, errors, spoiled, rdata;
  wire [1:0] rresp;
  reg [15:0] araddr = 0;
  reg arvalid = 0;
  two_nics #(.PACKETS(PACKETS)) dut (
      .clk(clk), .rst(rst), .done(done), .received(received), .errors(errors), .spoiled(spoiled),
      .s_axil_araddr(araddr), .s_axil_arvalid(arvalid), .s_axil_arready(arready),
      .s_axil_rdata(rdata), .s_axil_rresp(rresp), .s_axil_rvalid(rvalid), .s_axil_rready(1'b1));

  // Everything is driven and looked at on the falling edge.
  task read(input [15:0] address, output [31:0] value);
    begin
      araddr = address;
      arvalid = 1;
      while (!arready) @(negedge clk);
      @(negedge clk);
      arvalid = 0;
      while (!rvalid) @(negedge clk);
      value = rresp == 0 ? rdata : 32'hXXXXXXXX;
      @(negedge clk);
    end
  endtask

  integer clocks = 0;
  reg [31:0] magic, bad_frames;
  initial begin
    repeat (4) @(negedge clk);
    rst = 0;
    while (!done && clocks < LIMIT) begin
      @(negedge clk);
      clocks = clocks + 1;
    end
    repeat (2000) @(negedge clk);       // nothing may come twice, and the counter stands still
    read(MAGIC, magic);
    read(COUNT_RX_BAD_FCS, bad_frames);
    if (received == PACKETS && errors == 0 && spoiled > 3 && magic == 32'h54545031
        && bad_frames == spoiled)
      $display("PASSED: %0d packets in %0d clocks, %0d frames spoiled on their way", received,
               clocks, spoiled);
    else
      $display("FAILED: %0d packets in %0d clocks, %0d errors, magic %h, %0d frames spoiled, %0d counted",
               received, clocks, errors, magic, spoiled, bad_frames);
    $finish;
  end
endmodule
