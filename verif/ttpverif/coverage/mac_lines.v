// What passes on a wire or a stream, for the conditions of the coverage plan of the MACs
// (`mac_points.py`). Nothing of it is in the hardware. A condition may read the registers that have a
// comment and those between them; they change a clock after what they tell, and what they say of a
// frame stays until the next one has ended.

// Bytes of GMII behind the nibbles of MII: `step` is high in a clock in which a byte counts.
module ttp_gmii_line (
    input clk,
    input rst,
    input step,
    input en,
    input er,
    input [7:0] d
);
  reg begins;  // a carrier
  reg ends;  // of one, with all of the following
  reg has_sfd;
  reg [15:0] length;  // bytes behind the SFD, FCS and all
  reg [7:0] preamble;  // bytes in front of it
  reg er_preamble;  // RX_ER in front of the frame's first byte, in the first, ...
  reg er_first;
  reg er_inside;  // ... anywhere else, in the last
  reg er_last;
  reg control;  // its type is 0x8808
  reg busy;  // a carrier is there
  reg [7:0] gap;  // with `begins`: bytes since the last carrier; 255: so many or more
  reg false_carrier;  // in the byte before
  reg false_before;  // one lies in the gap in front of this carrier
  reg known, was_er;
  reg [15:0] count;
  reg [7:0] ahead, idle, high;
  reg sfd, in_preamble, in_first, in_rest, is_control;
  initial {known, busy, begins, ends, false_carrier, false_before, idle} = 0;

  always @(posedge clk) begin
    begins <= 0;
    ends <= 0;
    false_carrier <= step & ~en & er & d == 8'h0E;
    if (rst) begin
      known <= 0;
      busy <= 0;
      idle <= 255;
      false_before <= 0;
    end else if (step & ~en) begin
      known <= 1;
      if (er & d == 8'h0E) false_before <= 1;
      if (busy) begin
        busy <= 0;
        idle <= 1;
        false_before <= er & d == 8'h0E;
        ends <= 1;
        has_sfd <= sfd;
        length <= sfd ? count : 0;
        preamble <= ahead;
        er_preamble <= in_preamble;
        er_first <= in_first;
        er_inside <= in_rest;
        er_last <= was_er & sfd & count > 1;
        control <= sfd & is_control;
      end else if (idle != 255) idle <= idle + 1;
    end else if (step & known) begin
      was_er <= er;
      if (~busy) begin
        busy <= 1;
        begins <= 1;
        gap <= idle;
        sfd <= d == 8'hD5;
        ahead <= d != 8'hD5;
        count <= 0;
        in_preamble <= er;
        {in_first, in_rest, is_control} <= 0;
      end else if (~sfd) begin
        sfd <= d == 8'hD5;
        if (d != 8'hD5 & ahead != 255) ahead <= ahead + 1;
        if (er) in_preamble <= 1;
      end else begin
        if (count != 16'hFFFF) count <= count + 1;
        if (er & count == 0) in_first <= 1;
        if (er & count != 0) in_rest <= 1;
        high <= d;
        if (count == 13) is_control <= {high, d} == 16'h8808;
      end
    end
  end
endmodule

// 64 bits of XGMII, byte by byte.
module ttp_xgmii_line (
    input clk,
    input rst,
    input [63:0] d,
    input [7:0] c
);
  reg begins;  // /S/
  reg ends;  // of what it began, with all of the following
  reg has_sfd;
  reg [15:0] length;  // bytes behind the SFD, FCS and all
  reg [7:0] preamble;  // bytes between /S/ and SFD
  reg start4;  // /S/ was in lane 4
  reg [2:0] end_lane;
  reg [7:0] end_char;
  reg control;  // its type is 0x8808
  reg busy;
  reg [7:0] gap;  // with `begins`: bytes from the end before, its own included
  reg [7:0] deficit;  // what gaps are short of 12, this one included
  reg follows_end;  // with `begins`: the frame before ended in the same word
  reg ordered;  // a word of ordered sets
  reg [7:0] kind;  // of the last one
  integer lane;
  reg [7:0] value, idle, ahead, high, short;
  reg flag, in, sfd, lane4, is_control, start, stop;
  reg [15:0] count;
  initial {busy, begins, ends, ordered, in, idle, short} = 0;

  always @(posedge clk) begin
    start = 0;
    stop = 0;
    ordered <= ~rst & c[0] & d[7:0] == 8'h9C;
    if (c[0] & d[7:0] == 8'h9C) kind <= d[31:24];
    for (lane = 0; lane < 8; lane = lane + 1) begin
      value = d[8*lane+:8];
      flag = c[lane];
      if (in & flag) begin
        in = 0;
        stop = 1;
        idle = 0;
        has_sfd <= sfd;
        length <= sfd ? count : 0;
        preamble <= ahead;
        start4 <= lane4;
        end_lane <= lane;
        end_char <= value;
        control <= sfd & is_control;
      end
      if (flag & value == 8'hFB & (lane == 0 | lane == 4)) begin
        in = 1;
        start = 1;
        lane4 = lane == 4;
        follows_end <= stop;
        gap <= idle;
        short = idle >= 12 + short ? 0 : short + 12 - idle;
        deficit <= short;
        {sfd, ahead, count, is_control} = 0;
      end else if (~in) begin
        if (idle != 255) idle = idle + 1;
      end else if (~sfd) begin
        sfd = value == 8'hD5;
        if (~sfd & ahead != 255) ahead = ahead + 1;
      end else begin
        if (count == 13) is_control = {high, value} == 16'h8808;
        if (count != 16'hFFFF) count = count + 1;
        high = value;
      end
    end
    if (rst) begin
      {in, start, stop, short} = 0;
      idle = 255;
    end
    busy <= in;
    begins <= start;
    ends <= stop;
  end
endmodule

// Beats: data, keep, last, error from the lowest bit up.
module ttp_beat_line #(
    parameter WIDTH = 8
) (
    input clk,
    input rst,
    input valid,
    input ready,
    input [9*WIDTH+1:0] payload
);
  reg ends;  // a frame, with the following
  reg [15:0] length;
  reg error;
  reg waits;  // a beat was not taken
  reg paused;  // there was none, inside a frame
  reg busy;
  reg [15:0] count, here;
  integer lane;
  initial {ends, waits, paused, busy, count} = 0;

  always @(posedge clk) begin
    ends <= 0;
    waits <= ~rst & valid & ~ready;
    paused <= ~rst & busy & ~valid;
    here = count;
    for (lane = 0; lane < WIDTH; lane = lane + 1) here = here + payload[8*WIDTH+lane];
    if (rst) begin
      busy <= 0;
      count <= 0;
    end else if (valid & ready) begin
      busy <= ~payload[9*WIDTH];
      count <= payload[9*WIDTH] ? 0 : here;
      if (payload[9*WIDTH]) begin
        ends <= 1;
        length <= here;
        error <= payload[9*WIDTH+1];
      end
    end
  end
endmodule
