-- Wireshark dissector for the Tesla Transport Protocol (TTP): EtherTypes 0x0AC6 and 0x9AC6, and
-- the IPv4/UDP form on port 420. How to install and use it: docs/guides/wireshark.md.
--
-- Fields follow protocol section 1. Requests and answers are linked, replays and duplicates are
-- flagged, and a frame that a receiver must drop is marked with the cause (decision F1); only bytes
-- that were captured say anything. Works with Wireshark and tshark 3.4 or newer.
-- Apache-2.0.

set_plugin_info({version = "2.0", author = "the TTP engine project",
                 description = "Tesla Transport Protocol over Ethernet"})

local ETHERTYPES = {0x0AC6, 0x9AC6}
local UDP_PORT = 420
local MIN_FRAME, TTH_BYTES, TSH_BYTES, TRANSPORT_BYTES, MAX_PAYLOAD = 64, 20, 8, 18, 1024

local OPEN, OPEN_ACK, OPEN_NACK, CLOSE, CLOSE_ACK, CLOSE_NACK = 0, 1, 2, 3, 4, 5
local PAYLOAD, ACK, NACK, NACK_FULL, NACK_NOLINK = 6, 7, 8, 9, 10
local OPCODES = {[0] = "OPEN", "OPEN_ACK", "OPEN_NACK", "CLOSE", "CLOSE_ACK", "CLOSE_NACK",
                 "PAYLOAD", "ACK", "NACK", "NACK_FULL", "NACK_NOLINK"}
local VCS = {[0] = "REQ_LO", "REQ_HI", "DATA"}
local EXTENSIONS = {[0] = "none", [0x20] = "selective", [0x40] = "congestion",
                    [0x60] = "selective, congestion"}
local DATA, LEAST_CODE, MOST_SIXTEENTHS = 2, 0x10, 28672

-- The name `ttp` belongs to IrDA's Tiny TP in Wireshark.
local ttp = Proto("ttpoe", "Tesla Transport Protocol")
local f = {
  tth = ProtoField.none("ttpoe.tth", "Tesla Type Header"),
  subtype = ProtoField.uint8("ttpoe.tth.subtype", "Subtype", base.DEC, nil, 0xC0),
  tth_version = ProtoField.uint8("ttpoe.tth.version", "Version", base.DEC, nil, 0x30),
  header_words = ProtoField.uint8("ttpoe.tth.header_words", "Header length in 32-bit words",
                                  base.DEC, nil, 0x0F),
  gateway = ProtoField.uint8("ttpoe.tth.gateway", "Via gateway", base.DEC, nil, 0x80),
  tth_reserved = ProtoField.uint8("ttpoe.tth.reserved", "Reserved", base.HEX, nil, 0x7F),
  total_length = ProtoField.uint16("ttpoe.tth.total_length", "Total length"),
  padding = ProtoField.bytes("ttpoe.tth.padding", "Padding"),
  tsh = ProtoField.none("ttpoe.tsh", "Tesla Shim Header"),
  src_node = ProtoField.uint24("ttpoe.tsh.src_node", "Source node", base.HEX),
  dst_node = ProtoField.uint24("ttpoe.tsh.dst_node", "Destination node", base.HEX),
  length = ProtoField.uint16("ttpoe.tsh.length", "Length"),
  transport = ProtoField.none("ttpoe.transport", "Transport header"),
  opcode_reserved = ProtoField.uint8("ttpoe.opcode_reserved", "Reserved", base.DEC, nil, 0xC0),
  opcode = ProtoField.uint8("ttpoe.opcode", "Opcode", base.DEC, OPCODES, 0x3F),
  vc = ProtoField.uint8("ttpoe.vc", "Virtual channel", base.DEC, VCS),
  tx = ProtoField.uint8("ttpoe.tx", "tx"),
  rx = ProtoField.uint8("ttpoe.rx", "rx"),
  epoch = ProtoField.uint16("ttpoe.epoch", "Epoch", base.HEX),
  congestion = ProtoField.uint8("ttpoe.congestion", "Congestion", base.HEX),
  more = ProtoField.bool("ttpoe.more", "The sender holds more behind it"),
  links = ProtoField.double("ttpoe.links", "Links that have more to send"),
  gap = ProtoField.uint32("ttpoe.gap", "Gap between two PAYLOADs, in times of 64 bytes"),
  keeps = ProtoField.uint32("ttpoe.keeps", "Kept before its turn (TxID)", base.HEX),
  reserved = ProtoField.uint8("ttpoe.reserved", "Reserved", base.HEX),
  version = ProtoField.uint8("ttpoe.version", "Version", base.DEC, nil, 0xF0),
  reserved_low = ProtoField.uint8("ttpoe.reserved_low", "Reserved", base.DEC, nil, 0x0F),
  extension = ProtoField.uint8("ttpoe.extension", "Extension", base.HEX, EXTENSIONS),
  tx_id = ProtoField.uint32("ttpoe.tx_id", "TxID", base.HEX),
  rx_id = ProtoField.uint32("ttpoe.rx_id", "RxID", base.HEX),
  payload = ProtoField.bytes("ttpoe.payload", "Payload"),
  payload_length = ProtoField.uint16("ttpoe.payload_length", "Payload length"),
  trailer = ProtoField.bytes("ttpoe.trailer", "Ethernet padding"),
  link = ProtoField.string("ttpoe.link", "Link"),
  malformed = ProtoField.string("ttpoe.malformed", "A receiver drops it"),
  cut = ProtoField.bool("ttpoe.cut", "Cut by the capture"),
  response_in = ProtoField.framenum("ttpoe.response_in", "Answered in", base.NONE,
                                    frametype.RESPONSE),
  request_in = ProtoField.framenum("ttpoe.request_in", "Answers", base.NONE, frametype.REQUEST),
  response_time = ProtoField.relative_time("ttpoe.response_time", "Time since the request"),
  replay_of = ProtoField.framenum("ttpoe.replay_of", "First sent in", base.NONE,
                                  frametype.RETRANS_PREV),
  attempt = ProtoField.uint32("ttpoe.attempt", "Attempt"),
}
ttp.fields = f

local e = {
  replay = ProtoExpert.new("ttpoe.replay", "Replay: sent before, not acknowledged",
                           expert.group.SEQUENCE, expert.severity.NOTE),
  duplicate = ProtoExpert.new("ttpoe.duplicate", "Duplicate: had been acknowledged",
                              expert.group.SEQUENCE, expert.severity.WARN),
  retry = ProtoExpert.new("ttpoe.retry", "Sent again", expert.group.SEQUENCE,
                          expert.severity.NOTE),
  changed = ProtoExpert.new("ttpoe.changed", "ID used again with other bytes",
                            expert.group.PROTOCOL, expert.severity.ERROR),
  nack = ProtoExpert.new("ttpoe.nack", "Negative answer", expert.group.RESPONSE_CODE,
                         expert.severity.NOTE),
  bad_length = ProtoExpert.new("ttpoe.bad_length", "Length that cannot be",
                               expert.group.PROTOCOL, expert.severity.ERROR),
  bad_value = ProtoExpert.new("ttpoe.bad_value", "Value that a receiver drops",
                              expert.group.PROTOCOL, expert.severity.ERROR),
}
ttp.experts = e

-- IDs are serial numbers modulo 2^32: whether `a` is `b` or older.
local function not_younger(a, b)
  return (b - a) % 4294967296 < 2147483648
end

-- What the first pass over the capture learns. `seen` is by frame number and stays; a direction is
-- what one node has sent on a link: by name of the link and node, and then by its epoch.
local directions, current, seen

function ttp.init()
  directions, current, seen = {}, {}, {}
end

local function new_direction(key, epoch)
  local direction = {attempts = {}, waiting = {}, requests = {}, closed = false, sent = false}
  directions[key .. " " .. epoch] = direction
  current[key] = direction
  return direction
end

local function note(number)
  seen[number] = seen[number] or {}
  return seen[number]
end

local function answer(request, number)
  if request and not note(request).response_in then note(request).response_in = number end
  if request then note(number).request_in = request end
end

local function learn_request(h, number, direction)
  local kind = h.opcode
  local before = direction.requests[kind]
  if kind == OPEN and (direction.closed or direction.sent
                       or before and before.tx_id ~= h.tx_id) then
    local previous = not direction.closed and direction or nil
    direction = new_direction(h.key, h.epoch)
    direction.previous = previous
    before = nil
  end
  if before then
    note(number).retry, note(number).replay_of = true, before.first
    note(number).attempt = before.count + 1
  end
  direction.requests[kind] = {tx_id = h.tx_id, last = number,
                              count = before and before.count + 1 or 1,
                              first = before and before.first or number}
end

local function learn_payload(h, number, direction)
  if direction.closed then direction = new_direction(h.key, h.epoch) end
  direction.sent = true
  local attempt = direction.attempts[h.tx_id]
  if not attempt then
    direction.attempts[h.tx_id] = {first = number, last = number, count = 1, data = h.data}
    direction.waiting[h.tx_id] = true
    local old = direction.previous and direction.previous.waiting[h.tx_id]
      and direction.previous.attempts[h.tx_id]
    if old and old.data == h.data then       -- sent again after opening again
      note(number).replay, note(number).replay_of = true, old.first
      note(number).attempt = old.count + 1
    end
    return
  end
  local mine = note(number)
  if attempt.data ~= h.data then
    mine.changed, mine.replay_of = true, attempt.first
    return
  end
  attempt.count, attempt.last = attempt.count + 1, number
  mine.replay_of, mine.attempt = attempt.first, attempt.count
  if direction.waiting[h.tx_id] and not attempt.kept then
    mine.replay = true
  else
    mine.duplicate = true
  end
end

local function learn_data_answer(h, number, direction)
  local attempt = direction.attempts[h.keeps or h.rx_id]
  if h.keeps then                  -- one packet is kept; nothing is acknowledged
    if attempt then
      attempt.kept = true
      answer(attempt.last, number)
    end
    return
  elseif h.opcode == ACK then
    for id in pairs(direction.waiting) do
      if not_younger(id, h.rx_id) and attempt then
        direction.waiting[id] = nil
        local last = direction.attempts[id].last
        if not note(last).response_in then note(last).response_in = number end
      end
    end
  elseif not attempt then          -- Tesla's module names no ID, or the last good one
    local oldest
    for id in pairs(direction.waiting) do
      if not oldest or not_younger(id, oldest) then oldest = id end
    end
    attempt = oldest and direction.attempts[oldest]
  end
  if attempt then answer(attempt.last, number) end
end

-- Called once per frame, in order.
local function learn(h, number)
  local opcode = h.opcode
  local direction = directions[h.key .. " " .. h.epoch]
  local peer = current[h.peer_key]
  if opcode == OPEN or opcode == CLOSE then
    learn_request(h, number, direction or new_direction(h.key, h.epoch))
  elseif opcode == PAYLOAD then
    learn_payload(h, number, direction or new_direction(h.key, h.epoch))
  elseif peer and opcode <= CLOSE_NACK then
    local kind = opcode <= OPEN_NACK and OPEN or CLOSE
    local request = peer.requests[kind]
    if request and (kind == CLOSE or request.tx_id == h.rx_id) then
      answer(request.last, number)
      if opcode == CLOSE_ACK then
        peer.closed = true
        if current[h.key] then current[h.key].closed = true end
      end
    end
  elseif peer then
    learn_data_answer(h, number, peer)
  end
end

local function show_links(tree, number, times)
  local found = seen[number]
  if not found then return end
  if found.response_in then tree:add(f.response_in, found.response_in):set_generated() end
  if found.request_in then
    tree:add(f.request_in, found.request_in):set_generated()
    local passed = times[number] - times[found.request_in]
    local whole = math.floor(passed)
    tree:add(f.response_time, NSTime.new(whole, math.floor((passed - whole) * 1e9 + 0.5)))
      :set_generated()
  end
  if found.replay_of then tree:add(f.replay_of, found.replay_of):set_generated() end
  if found.attempt then tree:add(f.attempt, found.attempt):set_generated() end
  for _, name in ipairs({"replay", "duplicate", "retry", "changed"}) do
    if found[name] then
      tree:add_proto_expert_info(e[name])
    end
  end
end

local times = {}

-- What an expert says of each cause, in the words of decision F1; `ip_header` and `udp_length` are
-- those of the IPv4 form.
local CAUSES = {
  runt = {"bad_length", "The frame has less than 64 bytes"},
  wrong_oui = {"bad_value", "A MAC address outside of 98:ed:5c"},
  own_source = {"bad_value", "Source and destination are the same node"},
  bad_tth = {"bad_value", "TTH does not begin with 0x05"},
  tsh_length = {"bad_length", "TSH length not from 26 to 1050"},
  total_length = {"bad_length", "Total length does not fit the length behind it"},
  truncated = {"bad_length", "The frame is shorter than its lengths say"},
  bad_opcode = {"bad_value", "Opcode above 10"},
  bad_vc = {"bad_value", "VC above 2"},
  empty_payload = {"bad_length", "PAYLOAD without a payload"},
  ip_header = {"bad_value", "IPv4 options: the transport header is not at byte 42"},
  udp_length = {"bad_length", "UDP length not from 26 to 1050"},
}

-- Two bytes at `offset`, one byte, or nil where the capture cut them off.
local function word(tvb, offset, size)
  if offset + size > tvb:captured_len() then return nil end
  return tvb(offset, size):uint()
end

-- The first cause that holds of those that both forms have, from the transport header on.
local function transport_cause(tvb, offset, empty)
  local opcode, vc = word(tvb, offset, 1), word(tvb, offset + 1, 1)
  if not opcode then return nil end
  opcode = opcode % 64
  if opcode > NACK_NOLINK then return "bad_opcode" end
  if vc and vc > 2 then return "bad_vc" end
  if opcode == PAYLOAD and empty then return "empty_payload" end
  return nil
end

local function ethernet_cause(tvb, size, src, dst)
  if size < MIN_FRAME then return "runt" end
  if src and not (src:match("^98ed5c") and dst:match("^98ed5c")) then return "wrong_oui" end
  if src and src == dst then return "own_source" end
  local first, total = word(tvb, 0, 1), word(tvb, 2, 2)
  local length = word(tvb, TTH_BYTES + 6, 2)
  if not first then return nil end
  if first ~= 0x05 then return "bad_tth" end
  if not length then return nil end
  local noc = length - TSH_BYTES - TRANSPORT_BYTES
  if noc < 0 or noc > MAX_PAYLOAD then return "tsh_length" end
  if total ~= length + TTH_BYTES then return "total_length" end
  if size < 14 + TTH_BYTES + length then return "truncated" end
  return transport_cause(tvb, TTH_BYTES + TSH_BYTES, noc == 0)
end

-- `size`: bytes from the transport header to the end of the frame; `frame`: all of it, with the
-- IPv4 header at `at`.
local function ipv4_cause(tvb, size, frame, at)
  if frame(at, 1):uint() ~= 0x45 then return "ip_header" end
  local length = frame(at + 24, 2):uint()
  local noc = length - 8 - TRANSPORT_BYTES
  if noc < 0 or noc > MAX_PAYLOAD then return "udp_length" end
  if frame(at + 2, 2):uint() < length + 20 then return "total_length" end
  if size < TRANSPORT_BYTES + noc then return "truncated" end
  return transport_cause(tvb, 0, noc == 0)
end

local HEADER_FIELDS = {
  {"opcode_reserved", 0, 1}, {"opcode", 0, 1}, {"vc", 1, 1}, {"tx", 2, 1}, {"rx", 3, 1},
  {"epoch", 4, 2}, {"congestion", 6, 1}, {"reserved", 7, 1}, {"version", 8, 1},
  {"reserved_low", 8, 1}, {"extension", 9, 1}, {"tx_id", 10, 4}, {"rx_id", 14, 4},
}

-- Fields at `offset`, those that were captured.
local function add_fields(tree, tvb, offset, fields)
  for _, field in ipairs(fields) do
    if offset + field[2] + field[3] <= tvb:captured_len() then
      tree:add(f[field[1]], tvb(offset + field[2], field[3]))
    end
  end
end

-- What byte 48 and the IDs say on a controlled link (decisions K2, K6, K7, K12), which is always
-- one of VC 2. Where it says nothing it is 0.
local function congestion(h, tree, byte)
  if h.vc ~= DATA or not h.whole then return end
  if h.opcode == PAYLOAD and byte % 2 == 1 then
    h.more = true
    tree:add(f.more, true):set_generated()
  elseif byte >= LEAST_CODE and (h.opcode == OPEN_ACK or h.opcode == ACK or h.opcode == NACK) then
    local v = (16 + byte % 16) * 2 ^ (math.floor(byte / 16) - 1)
    local most = math.min(v, MOST_SIXTEENTHS)
    h.links = v / 16
    tree:add(f.links, h.links):set_generated()
    tree:add(f.gap, v == 16 and 0 or most + math.floor(most / 16) + math.floor(most / 64))
      :set_generated()
  end
  if h.links and h.opcode == ACK and h.tx_id ~= 0 then
    h.keeps = h.tx_id
    tree:add(f.keeps, h.tx_id):set_generated()
  end
end

-- The 18 bytes at `offset`, and `length` bytes behind them; what they say, with nil for what the
-- capture cut off.
local function transport(tvb, tree, offset, length, nodes)
  local kept = tvb:captured_len() - offset
  if kept > 0 then
    local header = tree:add(f.transport, tvb(offset, math.min(TRANSPORT_BYTES, kept)))
    add_fields(header, tvb, offset, HEADER_FIELDS)
  end
  local opcode = word(tvb, offset, 1)
  local h = {opcode = opcode and opcode % 64, vc = word(tvb, offset + 1, 1), data = "",
             epoch = word(tvb, offset + 4, 2), tx_id = word(tvb, offset + 10, 4),
             rx_id = word(tvb, offset + 14, 4), whole = kept >= TRANSPORT_BYTES}
  h.length = length
  congestion(h, tree, word(tvb, offset + 6, 1) or 0)
  h.name = h.opcode and (OPCODES[h.opcode] or "opcode " .. h.opcode) or "TTP"
  local there = math.min(length, kept - TRANSPORT_BYTES)
  if there > 0 then
    tree:add(f.payload, tvb(offset + TRANSPORT_BYTES, there))
    h.data = tvb(offset + TRANSPORT_BYTES, there):bytes():tohex()
  end
  if h.whole then tree:add(f.payload_length, length):set_generated() end
  if h.vc and nodes.src and nodes.dst then
    local ends = nodes.src < nodes.dst and {nodes.src, nodes.dst} or {nodes.dst, nodes.src}
    local link = string.format("%s-%s vc %d", ends[1], ends[2], h.vc)
    tree:add(f.link, link):set_generated()
    h.key, h.peer_key = link .. " " .. nodes.src, link .. " " .. nodes.dst
  end
  if h.opcode == OPEN_NACK or h.opcode == CLOSE_NACK
     or h.opcode and h.opcode >= NACK and h.opcode <= NACK_NOLINK then
    tree:add_proto_expert_info(e.nack, h.name)
  end
  return h
end

local function mark_malformed(tree, cause)
  tree:add(f.malformed, cause):set_generated()
  tree:add_proto_expert_info(e[CAUSES[cause][1]], CAUSES[cause][2])
end

local function finish(h, cause, frame, pinfo, tree)
  local text = h.name
  times[pinfo.number] = pinfo.abs_ts
  if h.vc then text = text .. string.format(" vc=%d", h.vc) end
  if h.tx_id then text = text .. string.format(" tx_id=0x%x", h.tx_id) end
  if h.rx_id then text = text .. string.format(" rx_id=0x%x", h.rx_id) end
  if h.length > 0 then text = text .. string.format(" len=%d", h.length) end
  if h.keeps then text = text .. string.format(" keeps=0x%x", h.keeps) end
  if h.more then text = text .. " more" end
  if h.links then text = text .. string.format(" links=%.6g", h.links) end
  if cause then
    mark_malformed(tree, cause)
    text = text .. " [malformed: " .. cause .. "]"
  elseif not h.whole then
    text = text .. " [cut]"
  else
    if not pinfo.visited then learn(h, pinfo.number) end
    show_links(tree, pinfo.number, times)
    local found = seen[pinfo.number] or {}
    for _, name in ipairs({"replay", "duplicate", "retry", "changed"}) do
      if found[name] then text = text .. " [" .. name .. "]" end
    end
  end
  if frame:captured_len() < pinfo.len then tree:add(f.cut, true):set_generated() end
  pinfo.cols.protocol = "TTP"
  pinfo.cols.info = text
  tree:append_text(": " .. text)
end

-- Wireshark hands a dissector only the bytes of its layer, and addresses as text, which may be a
-- resolved name. So these two only note where TTP begins; the one behind all others dissects it: it
-- has the whole frame, in every pass.
local found
local ethernet = Proto("ttpoe_eth", "Tesla Transport Protocol over Ethernet")
local whole = Proto("ttpoe_frame", "Tesla Transport Protocol, the whole frame")

function ethernet.dissector(tvb, pinfo)
  found = {number = pinfo.number, ethernet = true, offset = tvb:offset(),
           size = tvb:reported_len()}
  pinfo.cols.protocol = "TTP"
  return tvb:len()
end

function ttp.dissector(tvb, pinfo)
  found = {number = pinfo.number, offset = tvb:offset(), size = tvb:reported_len()}
  pinfo.cols.protocol = "TTP"
  return tvb:len()
end

local TTH_FIELDS = {{"subtype", 0, 1}, {"tth_version", 0, 1}, {"header_words", 0, 1},
                    {"gateway", 1, 1}, {"tth_reserved", 1, 1}, {"total_length", 2, 2},
                    {"padding", 4, 16}}
local TSH_FIELDS = {{"src_node", 0, 3}, {"dst_node", 3, 3}, {"length", 6, 2}}

-- The MAC addresses in front of the EtherType that ends at `offset`, or nil: Linux's `any` device
-- (SLL and SLL2) has no destination.
local function macs(frame, offset, pinfo)
  local destination = tostring(pinfo.dl_dst):lower()
  if destination == "" or destination == "none" then return end
  local at = offset - 14
  while at >= 4 do
    local tag = frame(at + 8, 2):uint()
    if tag ~= 0x8100 and tag ~= 0x88A8 then break end
    at = at - 4
  end
  if at < 0 then return end
  local function hex(start) return frame(start, 6):bytes():tohex():lower() end
  return hex(at + 6), hex(at)
end

-- The node of a MAC address; where it has another OUI, the whole address.
local function mac_node(mac)
  return mac:match("^98ed5c(%x+)$") or (mac:gsub("(%x%x)", "%1:", 5))
end

-- Without MAC addresses the TSH names the nodes.
local function nodes_of(tvb, src, dst)
  if src then return {src = mac_node(src), dst = mac_node(dst)} end
  local from, to = word(tvb, TTH_BYTES, 3), word(tvb, TTH_BYTES + 3, 3)
  return {src = from and string.format("%06x", from), dst = to and string.format("%06x", to)}
end

-- Behind EtherType: TTH, TSH, transport header. `tvb` begins at byte 14 of the frame.
local function dissect_ethernet(frame, tvb, pinfo, tree)
  local header, kept = TTH_BYTES + TSH_BYTES + TRANSPORT_BYTES, tvb:captured_len()
  local src, dst = macs(frame, found.offset, pinfo)
  local cause = ethernet_cause(tvb, found.size + 14, src, dst)
  add_fields(tree:add(f.tth, tvb(0, math.min(TTH_BYTES, kept))), tvb, 0, TTH_FIELDS)
  if kept > TTH_BYTES then
    add_fields(tree:add(f.tsh, tvb(TTH_BYTES, math.min(TSH_BYTES, kept - TTH_BYTES))), tvb,
               TTH_BYTES, TSH_FIELDS)
  end
  local noc = (word(tvb, TTH_BYTES + 6, 2) or 0) - TSH_BYTES - TRANSPORT_BYTES
  local inside = math.max(0, math.min(noc, found.size - header))
  local h = transport(tvb, tree, TTH_BYTES + TSH_BYTES, inside, nodes_of(tvb, src, dst))
  if kept > header + inside then tree:add(f.trailer, tvb(header + inside)) end
  finish(h, cause, frame, pinfo, tree)
end

-- Where the IPv4 header is whose UDP payload begins at `offset`, or nil.
local function ipv4_header(frame, offset)
  for words = 5, 15 do
    local at = offset - 8 - 4 * words
    if at >= 0 and frame(at, 1):uint() == 0x40 + words and frame(at + 9, 1):uint() == 17 then
      return at
    end
  end
end

-- The IPv4 form: `tvb` is what is behind UDP's header. The node is the host part of the address.
local function dissect_ipv4(frame, tvb, pinfo, tree, at)
  local cause = ipv4_cause(tvb, pinfo.len - found.offset, frame, at)
  if cause == "ip_header" then
    mark_malformed(tree, cause)
    pinfo.cols.info = "TTP [malformed: ip_header]"
    return
  end
  local function node(start) return frame(start, 3):bytes():tohex():lower() end
  local length = math.max(0, found.size - TRANSPORT_BYTES)
  local h = transport(tvb, tree, 0, length, {src = node(at + 13), dst = node(at + 17)})
  finish(h, cause, frame, pinfo, tree)
end

-- UDP hands nothing on where its length leaves nothing.
local udp_port, udp_length = Field.new("udp.port"), Field.new("udp.length")
local function dissect_short(frame, pinfo, root)
  local ours, length = false, udp_length()
  for _, port in ipairs({udp_port()}) do ours = ours or port.value == UDP_PORT end
  if not ours or not length or length.value > 8 then return end
  mark_malformed(root:add(ttp, frame(length.offset, 2)), "udp_length")
  pinfo.cols.protocol, pinfo.cols.info = "TTP", "TTP [malformed: udp_length]"
end

function whole.dissector(frame, pinfo, root)
  if not found or found.number ~= pinfo.number then return dissect_short(frame, pinfo, root) end
  if found.offset < frame:captured_len() then
    local tvb = frame(found.offset):tvb()
    if found.ethernet then
      dissect_ethernet(frame, tvb, pinfo, root:add(ttp, frame(found.offset)))
    else
      local at = ipv4_header(frame, found.offset)
      if at then dissect_ipv4(frame, tvb, pinfo, root:add(ttp, frame(found.offset)), at) end
    end
  else
    local tree, short = root:add(ttp, frame()), found.ethernet and found.size + 14 < MIN_FRAME
    if short then mark_malformed(tree, "runt") else tree:add(f.cut, true):set_generated() end
    pinfo.cols.protocol = "TTP"
    pinfo.cols.info = short and "TTP [malformed: runt]" or "TTP [cut]"
  end
  found = nil
end

for _, ethertype in ipairs(ETHERTYPES) do
  DissectorTable.get("ethertype"):add(ethertype, ethernet)
end
DissectorTable.get("udp.port"):add(UDP_PORT, ttp)
register_postdissector(whole)
