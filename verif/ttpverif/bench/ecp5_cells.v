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

// Pads. Yosys' TRELLIS_IO has them as inouts, which Verilator does not join to inputs and outputs.
module pad_input(input B, output O);
  parameter DIR = "INPUT";
  assign O = B;
endmodule

module pad_output(output B, input I, input T); // never off: T is constant 0
  parameter DIR = "OUTPUT";
  assign B = I;
endmodule

module pad_bidir(inout B, input I, input T, output O); // a pull-up, and nobody else on the wire
  parameter DIR = "BIDIR";
  assign O = T | I;
endmodule

module OSCG(output OSC);
  parameter DIV = 128;
  assign OSC = pair.oscillator;
endmodule
