// Contract of one stream, checked in every clock outside reset. `violations` holds one bit per
// rule, set in the clock after the one that broke it and then kept:
//   0  valid was taken back before ready
//   1  the payload changed while it waited for ready
//   2  keep is zero, has a hole, does not start at lane 0, or is not all ones before the last beat
//   3  valid, ready, or a payload bit that counts is X or Z (four-state simulators only)
//   4  a frame paused although ready was high (only where NO_GAPS is set)
// The payload is {other, last, keep, data} from the highest bit down; the lanes of `data` whose
// keep bit is 0 may be X.
module ttpverif_stream_check #(
    parameter DATA_BITS = 8,
    parameter KEEP_BITS = 0,
    parameter PAYLOAD_BITS = 8,
    parameter NO_GAPS = 0
) (
    input clk,
    input rst,
    input valid,
    input ready,
    input [PAYLOAD_BITS-1:0] payload,
    output reg [4:0] violations
);
  localparam KEEP = KEEP_BITS == 0 ? 1 : KEEP_BITS;
  localparam LAST_BIT = KEEP_BITS == 0 ? 0 : DATA_BITS + KEEP_BITS;
  localparam LANES = KEEP_BITS == 0 ? 1 : DATA_BITS / 8;

  reg waiting, in_frame;
  reg [PAYLOAD_BITS-1:0] held;
  reg [PAYLOAD_BITS-1:0] counts;
  wire [KEEP-1:0] keep = KEEP_BITS == 0 ? {KEEP{1'b1}} : payload[LAST_BIT-1 -: KEEP];
  wire last = KEEP_BITS == 0 || payload[LAST_BIT];
  wire bad_keep = keep == 0 || (keep & (keep + 1'b1)) != 0 || (!last && !(&keep));
  integer lane;

  always @* begin
    counts = payload;
    if (KEEP_BITS != 0)
      for (lane = 0; lane < LANES; lane = lane + 1)
        if (keep[lane] === 1'b0) counts[lane*8 +: 8] = 8'h00;
  end

  initial begin
    waiting = 0;
    in_frame = 0;
    held = 0;
    violations = 0;
  end

  always @(posedge clk) begin
    if (rst) begin
      waiting <= 0;
      in_frame <= 0;
      violations <= 0;
    end else begin
      waiting <= valid && !ready;
      held <= payload;
      if (valid && ready) in_frame <= !last;
      if (waiting && !valid) violations[0] <= 1;
      if (waiting && valid && payload !== held) violations[1] <= 1;
      if (valid && KEEP_BITS != 0 && bad_keep) violations[2] <= 1;
      if ((^{valid, ready}) === 1'bx || (valid && (^counts) === 1'bx)) violations[3] <= 1;
      if (NO_GAPS != 0 && in_frame && ready && !valid) violations[4] <= 1;
    end
  end
endmodule
