// Cells of an ECP5 that Yosys has no model of, for the simulation of a board's netlist. What they leave
// out: the PLL passes its input on, so the bench drives the oscillator with the clock that the PLL would
// make; the on-chip oscillator is whatever the bench drives. DDR and delay cells: ttpoe's ecp5_ddr.v.
/* verilator lint_off DECLFILENAME */ // one file holds all of them
module EHXPLLL(input CLKI, input CLKFB, input RST, input STDBY, output CLKOP, output LOCK);
  parameter CLKI_DIV = 1;
  parameter CLKFB_DIV = 1;
  parameter CLKOP_DIV = 8;
  parameter CLKOP_CPHASE = 0;
  parameter CLKOP_ENABLE = "ENABLED";
  parameter FEEDBK_PATH = "CLKOP";
  reg [5:0] clocks = 0;
  always @(posedge CLKI) if (!LOCK) clocks <= clocks + 1;
  assign LOCK = &clocks;
  assign CLKOP = CLKI;
endmodule

// A pad that is only read. Yosys' TRELLIS_IO has it as an inout, which Verilator does not join to an input.
module input_pad(input B, output O);
  parameter DIR = "INPUT";
  assign O = B;
endmodule

module OSCG(output OSC);
  parameter DIV = 128;
  assign OSC = pair.oscillator;
endmodule
