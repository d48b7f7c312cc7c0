// The block RAM of an ECP5, for the simulation of netlists: Yosys' own model has no behaviour.
//
// Source: Lattice FPGA-TN-02204 (ECP5 memory usage): true dual port of 1, 2, 4, 9 or 18 bits, and
// pseudo dual port of 36 bits, written at A and read at B. Addresses count bits: those of a word
// lie above the bits that its width needs; from 18 bits on the lowest ones are byte enables.
//
// What it leaves out: the output register, asynchronous and global reset, inverted pins but the
// clocks'. A read of what the other port writes at the same edge gives garbage, as the device may.
/* verilator lint_off MULTIDRIVEN */ // two ports write one memory
/* verilator lint_off UNUSED */ // not every width takes every pin
/* verilator lint_off WIDTH */
module DP16KD(
  input DIA17, DIA16, DIA15, DIA14, DIA13, DIA12, DIA11, DIA10, DIA9, DIA8, DIA7, DIA6, DIA5,
    DIA4, DIA3, DIA2, DIA1, DIA0,
  input ADA13, ADA12, ADA11, ADA10, ADA9, ADA8, ADA7, ADA6, ADA5, ADA4, ADA3, ADA2, ADA1, ADA0,
  input CEA, OCEA, CLKA, WEA, RSTA, CSA2, CSA1, CSA0,
  output DOA17, DOA16, DOA15, DOA14, DOA13, DOA12, DOA11, DOA10, DOA9, DOA8, DOA7, DOA6, DOA5,
    DOA4, DOA3, DOA2, DOA1, DOA0,
  input DIB17, DIB16, DIB15, DIB14, DIB13, DIB12, DIB11, DIB10, DIB9, DIB8, DIB7, DIB6, DIB5,
    DIB4, DIB3, DIB2, DIB1, DIB0,
  input ADB13, ADB12, ADB11, ADB10, ADB9, ADB8, ADB7, ADB6, ADB5, ADB4, ADB3, ADB2, ADB1, ADB0,
  input CEB, OCEB, CLKB, WEB, RSTB, CSB2, CSB1, CSB0,
  output DOB17, DOB16, DOB15, DOB14, DOB13, DOB12, DOB11, DOB10, DOB9, DOB8, DOB7, DOB6, DOB5,
    DOB4, DOB3, DOB2, DOB1, DOB0
);
  parameter DATA_WIDTH_A = 18, DATA_WIDTH_B = 18;
  parameter REGMODE_A = "NOREG", REGMODE_B = "NOREG";
  parameter RESETMODE = "SYNC", ASYNC_RESET_RELEASE = "SYNC";
  parameter CSDECODE_A = "0b000", CSDECODE_B = "0b000";
  parameter WRITEMODE_A = "NORMAL", WRITEMODE_B = "NORMAL";
  parameter CLKAMUX = "CLKA", CLKBMUX = "CLKB", GSR = "ENABLED";
  parameter [319:0]
    INITVAL_00 = 0, INITVAL_01 = 0, INITVAL_02 = 0, INITVAL_03 = 0, INITVAL_04 = 0, INITVAL_05 =
    0, INITVAL_06 = 0, INITVAL_07 = 0, INITVAL_08 = 0, INITVAL_09 = 0, INITVAL_0A = 0,
    INITVAL_0B = 0, INITVAL_0C = 0, INITVAL_0D = 0, INITVAL_0E = 0, INITVAL_0F = 0, INITVAL_10 =
    0, INITVAL_11 = 0, INITVAL_12 = 0, INITVAL_13 = 0, INITVAL_14 = 0, INITVAL_15 = 0,
    INITVAL_16 = 0, INITVAL_17 = 0, INITVAL_18 = 0, INITVAL_19 = 0, INITVAL_1A = 0, INITVAL_1B =
    0, INITVAL_1C = 0, INITVAL_1D = 0, INITVAL_1E = 0, INITVAL_1F = 0, INITVAL_20 = 0,
    INITVAL_21 = 0, INITVAL_22 = 0, INITVAL_23 = 0, INITVAL_24 = 0, INITVAL_25 = 0, INITVAL_26 =
    0, INITVAL_27 = 0, INITVAL_28 = 0, INITVAL_29 = 0, INITVAL_2A = 0, INITVAL_2B = 0,
    INITVAL_2C = 0, INITVAL_2D = 0, INITVAL_2E = 0, INITVAL_2F = 0, INITVAL_30 = 0, INITVAL_31 =
    0, INITVAL_32 = 0, INITVAL_33 = 0, INITVAL_34 = 0, INITVAL_35 = 0, INITVAL_36 = 0,
    INITVAL_37 = 0, INITVAL_38 = 0, INITVAL_39 = 0, INITVAL_3A = 0, INITVAL_3B = 0, INITVAL_3C =
    0, INITVAL_3D = 0, INITVAL_3E = 0, INITVAL_3F = 0;
  localparam [64*320-1:0] CONTENTS = {
    INITVAL_3F, INITVAL_3E, INITVAL_3D, INITVAL_3C, INITVAL_3B, INITVAL_3A, INITVAL_39,
    INITVAL_38, INITVAL_37, INITVAL_36, INITVAL_35, INITVAL_34, INITVAL_33, INITVAL_32,
    INITVAL_31, INITVAL_30, INITVAL_2F, INITVAL_2E, INITVAL_2D, INITVAL_2C, INITVAL_2B,
    INITVAL_2A, INITVAL_29, INITVAL_28, INITVAL_27, INITVAL_26, INITVAL_25, INITVAL_24,
    INITVAL_23, INITVAL_22, INITVAL_21, INITVAL_20, INITVAL_1F, INITVAL_1E, INITVAL_1D,
    INITVAL_1C, INITVAL_1B, INITVAL_1A, INITVAL_19, INITVAL_18, INITVAL_17, INITVAL_16,
    INITVAL_15, INITVAL_14, INITVAL_13, INITVAL_12, INITVAL_11, INITVAL_10, INITVAL_0F,
    INITVAL_0E, INITVAL_0D, INITVAL_0C, INITVAL_0B, INITVAL_0A, INITVAL_09, INITVAL_08,
    INITVAL_07, INITVAL_06, INITVAL_05, INITVAL_04, INITVAL_03, INITVAL_02, INITVAL_01,
    INITVAL_00
  };

  reg [17:0] rows[0:1023];
  integer n;
  initial begin
    for (n = 0; n < 1024; n = n + 1) rows[n] = CONTENTS[20*n +: 18];
    if (REGMODE_A != "NOREG" || REGMODE_B != "NOREG"
        || CSDECODE_A != "0b000" || CSDECODE_B != "0b000")
      $fatal(1, "DP16KD: a mode that this model has not");
  end
  always @(posedge (RSTA | RSTB))
    if (RESETMODE != "SYNC") $fatal(1, "DP16KD: a reset that this model has not");

  // Where a word begins in its row, and its bits: a row is two bytes of 9 bits.
  function [4:0] place(input integer width, input [3:0] ad);
    place = width >= 18 ? 0 : (ad[3] ? 9 : 0)
        + (width == 9 ? 0 : width == 4 ? ad[2:0] & 4 : width == 2 ? ad[2:0] & 6 : ad[2:0]);
  endfunction

  function [17:0] bits(input integer width, input [1:0] enables);
    bits = width >= 18 ? {{9{enables[1]}}, {9{enables[0]}}} : (18'd1 << width) - 18'd1;
  endfunction

  wire [17:0] di_a = {DIA17, DIA16, DIA15, DIA14, DIA13, DIA12, DIA11, DIA10, DIA9, DIA8,
    DIA7, DIA6, DIA5, DIA4, DIA3, DIA2, DIA1, DIA0};
  wire [13:0] ad_a = {ADA13, ADA12, ADA11, ADA10, ADA9, ADA8, ADA7, ADA6, ADA5, ADA4, ADA3,
    ADA2, ADA1, ADA0};
  wire clk_a = CLKAMUX == "INV" ? ~CLKA : CLKA;
  wire on_a = CEA & ~|{CSA2, CSA1, CSA0};
  wire write_a = on_a & WEA & ~RSTA;
  wire [17:0] di_b = {DIB17, DIB16, DIB15, DIB14, DIB13, DIB12, DIB11, DIB10, DIB9, DIB8,
    DIB7, DIB6, DIB5, DIB4, DIB3, DIB2, DIB1, DIB0};
  wire [13:0] ad_b = {ADB13, ADB12, ADB11, ADB10, ADB9, ADB8, ADB7, ADB6, ADB5, ADB4, ADB3,
    ADB2, ADB1, ADB0};
  wire clk_b = CLKBMUX == "INV" ? ~CLKB : CLKB;
  wire on_b = CEB & ~|{CSB2, CSB1, CSB0};
  wire write_b = on_b & WEB & ~RSTB;
  wire [4:0] place_a = place(DATA_WIDTH_A, ad_a[3:0]);
  wire [17:0] mask_a = bits(DATA_WIDTH_A, ad_a[1:0]) << place_a;
  wire [9:0] row_a = {ad_a[13:5], ad_a[4] & (DATA_WIDTH_A != 36)};
  wire [4:0] place_b = place(DATA_WIDTH_B, ad_b[3:0]);
  wire [17:0] mask_b = bits(DATA_WIDTH_B, ad_b[1:0]) << place_b;
  wire [9:0] row_b = {ad_b[13:5], ad_b[4] & (DATA_WIDTH_B != 36)};
  wire [17:0] mask_high = bits(36, ad_a[3:2]);

  // What a port writes in a row while the other one reads: with clocks of their own, for half a
  // period.
  function [17:0] hurt_a(input [9:0] row);
    hurt_a = {18{write_a & clk_a}} & (row == row_a ? mask_a
        : DATA_WIDTH_A == 36 && row == (row_a | 1) ? mask_high : 18'd0);
  endfunction

  function [17:0] hurt_b(input [9:0] row);
    hurt_b = {18{write_b & clk_b}} & (row == row_b ? mask_b : 18'd0);
  endfunction

  reg [35:0] out_a = 0, out_b = 0;

  always @(posedge clk_a) begin
    if (write_a) rows[row_a] <= (rows[row_a] & ~mask_a) | (di_a << place_a & mask_a);
    if (write_a && DATA_WIDTH_A == 36)
      rows[row_a | 1] <= (rows[row_a | 1] & ~mask_high) | (di_b & mask_high);
    if (RSTA) out_a <= 0;
    else if (on_a && (!WEA || WRITEMODE_A == "READBEFOREWRITE"))
      out_a <= {rows[row_a | 1] ^ hurt_b(row_a | 1),
        (rows[row_a] ^ hurt_b(row_a)) >> place_a};
    else if (on_a && WRITEMODE_A == "WRITETHROUGH") out_a <= di_a;
  end

  always @(posedge clk_b) begin
    if (write_b) rows[row_b] <= (rows[row_b] & ~mask_b) | (di_b << place_b & mask_b);
    if (RSTB) out_b <= 0;
    else if (on_b && (!WEB || WRITEMODE_B == "READBEFOREWRITE"))
      out_b <= {rows[row_b | 1] ^ hurt_a(row_b | 1),
        (rows[row_b] ^ hurt_a(row_b)) >> place_b};
    else if (on_b && WRITEMODE_B == "WRITETHROUGH") out_b <= di_b;
  end

  wire [17:0] do_a = DATA_WIDTH_B == 36 ? out_b[17:0] : out_a[17:0];
  wire [17:0] do_b = DATA_WIDTH_B == 36 ? out_b[35:18] : out_b[17:0];
  assign {DOA17, DOA16, DOA15, DOA14, DOA13, DOA12, DOA11, DOA10, DOA9, DOA8,
    DOA7, DOA6, DOA5, DOA4, DOA3, DOA2, DOA1, DOA0} = do_a;
  assign {DOB17, DOB16, DOB15, DOB14, DOB13, DOB12, DOB11, DOB10, DOB9, DOB8,
    DOB7, DOB6, DOB5, DOB4, DOB3, DOB2, DOB1, DOB0} = do_b;
endmodule
