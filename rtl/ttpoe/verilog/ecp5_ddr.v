// What the ECP5's DDR and delay cells do, as Lattice FPGA-TN-02035 describes them: for simulators and
// lint. Not for synthesis, where the tools have the cells. A reset that nobody drives is off.
`ifdef YOSYS  // it does not know tri0, and leaves no pin open
`define TTP_OPEN_IS_0
`else
`define TTP_OPEN_IS_0 tri0
`endif
/* verilator lint_off DECLFILENAME */ // one file holds all of them
module ODDRX1F(input SCLK, input `TTP_OPEN_IS_0 RST, input D0, input D1, output Q);
  reg first, second, first1, second1;
  always @(posedge SCLK) begin
    {first, second} <= RST ? 2'b00 : {D0, D1};
    {first1, second1} <= {first, second};
  end
  assign Q = SCLK ? first1 : second1;
endmodule

module IDDRX1F(input SCLK, input `TTP_OPEN_IS_0 RST, input D, output reg Q0, output reg Q1);
  reg rising, falling;
  always @(posedge SCLK) rising <= D;
  always @(negedge SCLK) falling <= D;
  always @(posedge SCLK) {Q0, Q1} <= RST ? 2'b00 : {rising, falling};
endmodule

module DELAYG(input A, output Z);
  parameter DEL_MODE = "USER_DEFINED";
  parameter DEL_VALUE = 0;
  assign Z = A;
endmodule
`undef TTP_OPEN_IS_0
