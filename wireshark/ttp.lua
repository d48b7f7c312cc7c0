-- Wireshark dissector for the Tesla Transport Protocol (TTP): EtherTypes 0x0AC6 and 0x9AC6, and
-- the IPv4/UDP form on port 420. How to install and use it: docs/guides/wireshark.md.
--
-- Fields follow protocol section 1. Requests and answers are linked, replays and duplicates are
-- flagged, and so are lengths that lie. Works with Wireshark and tshark 3.4 or newer.
-- Apache-2.0.

set_plugin_info({version = "1.0", author = "the TTP engine project",
                 description = "Tesla Transport Protocol over Ethernet"})

local ETHERTYPES = {0x0AC6, 0x9AC6}
local UDP_PORT = 420
local MIN_FRAME, TTH_BYTES, TSH_BYTES, TRANSPORT_BYTES, MAX_PAYLOAD = 64, 20, 8, 18, 1024

local OPEN, OPEN_ACK, OPEN_NACK, CLOSE, CLOSE_ACK, CLOSE_NACK = 0, 1, 2, 3, 4, 5
local PAYLOAD, ACK, NACK, NACK_FULL, NACK_NOLINK = 6, 7, 8, 9, 10
local OPCODES = {[0] = "OPEN", "OPEN_ACK", "OPEN_NACK", "CLOSE", "CLOSE_ACK", "CLOSE_NACK",
                 "PAYLOAD", "ACK", "NACK", "NACK_FULL", "NACK_NOLINK"}
local VCS = {[0] = "REQ_LO", "REQ_HI", "DATA"}
local EXTENSIONS = {[0] = "none", [0x20] = "selective"}

-- The name `ttp` itself belongs to IrDA's Tiny TP in Wireshark; the fields do not collide.
local ttp = Proto("ttpoe", "Tesla Transport Protocol")
local f = {
  tth = ProtoField.none("ttp.tth", "Tesla Type Header"),
  subtype = ProtoField.uint8("ttp.tth.subtype", "Subtype", base.DEC, nil, 0xC0),
  tth_version = ProtoField.uint8("ttp.tth.version", "Version", base.DEC, nil, 0x30),
  header_words = ProtoField.uint8("ttp.tth.header_words", "Header length in 32-bit words",
                                  base.DEC, nil, 0x0F),
  gateway = ProtoField.uint8("ttp.tth.gateway", "Via gateway", base.DEC, nil, 0x80),
  tth_reserved = ProtoField.uint8("ttp.tth.reserved", "Reserved", base.HEX, nil, 0x7F),
  total_length = ProtoField.uint16("ttp.tth.total_length", "Total length"),
  padding = ProtoField.bytes("ttp.tth.padding", "Padding"),
  tsh = ProtoField.none("ttp.tsh", "Tesla Shim Header"),
  src_node = ProtoField.uint24("ttp.tsh.src_node", "Source node", base.HEX),
  dst_node = ProtoField.uint24("ttp.tsh.dst_node", "Destination node", base.HEX),
  length = ProtoField.uint16("ttp.tsh.length", "Length"),
  transport = ProtoField.none("ttp.transport", "Transport header"),
  opcode_reserved = ProtoField.uint8("ttp.opcode_reserved", "Reserved", base.DEC, nil, 0xC0),
  opcode = ProtoField.uint8("ttp.opcode", "Opcode", base.DEC, OPCODES, 0x3F),
  vc = ProtoField.uint8("ttp.vc", "Virtual channel", base.DEC, VCS),
  tx = ProtoField.uint8("ttp.tx", "tx"),
  rx = ProtoField.uint8("ttp.rx", "rx"),
  epoch = ProtoField.uint16("ttp.epoch", "Epoch", base.HEX),
  congestion = ProtoField.uint8("ttp.congestion", "Congestion", base.HEX),
  reserved = ProtoField.uint8("ttp.reserved", "Reserved", base.HEX),
  version = ProtoField.uint8("ttp.version", "Version", base.DEC, nil, 0xF0),
  reserved_low = ProtoField.uint8("ttp.reserved_low", "Reserved", base.DEC, nil, 0x0F),
  extension = ProtoField.uint8("ttp.extension", "Extension", base.HEX, EXTENSIONS),
  tx_id = ProtoField.uint32("ttp.tx_id", "TxID", base.DEC_HEX),
  rx_id = ProtoField.uint32("ttp.rx_id", "RxID", base.DEC_HEX),
  payload = ProtoField.bytes("ttp.payload", "Payload"),
  payload_length = ProtoField.uint16("ttp.payload_length", "Payload length"),
  trailer = ProtoField.bytes("ttp.trailer", "Ethernet padding"),
  link = ProtoField.string("ttp.link", "Link"),
  response_in = ProtoField.framenum("ttp.response_in", "Answered in", base.NONE,
                                    frametype.RESPONSE),
  request_in = ProtoField.framenum("ttp.request_in", "Answers", base.NONE, frametype.REQUEST),
  response_time = ProtoField.relative_time("ttp.response_time", "Time since the request"),
  replay_of = ProtoField.framenum("ttp.replay_of", "First sent in", base.NONE,
                                  frametype.RETRANS_PREV),
  attempt = ProtoField.uint32("ttp.attempt", "Attempt"),
}
ttp.fields = f

local e = {
  replay = ProtoExpert.new("ttp.replay", "Replay: sent before, not acknowledged",
                           expert.group.SEQUENCE, expert.severity.NOTE),
  duplicate = ProtoExpert.new("ttp.duplicate", "Duplicate: had been acknowledged",
                              expert.group.SEQUENCE, expert.severity.WARN),
  retry = ProtoExpert.new("ttp.retry", "Sent again", expert.group.SEQUENCE,
                          expert.severity.NOTE),
  changed = ProtoExpert.new("ttp.changed", "ID used again with other bytes",
                            expert.group.PROTOCOL, expert.severity.ERROR),
  nack = ProtoExpert.new("ttp.nack", "Negative answer", expert.group.RESPONSE_CODE,
                         expert.severity.NOTE),
  bad_length = ProtoExpert.new("ttp.bad_length", "Length that cannot be",
                               expert.group.PROTOCOL, expert.severity.ERROR),
  bad_value = ProtoExpert.new("ttp.bad_value", "Value that a receiver drops",
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
  if direction.waiting[h.tx_id] then mine.replay = true else mine.duplicate = true end
end

local function learn_data_answer(h, number, direction)
  local attempt = direction.attempts[h.rx_id]
  if h.opcode == ACK then
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

-- The 18 bytes at `offset`, and `length` bytes behind them; returns what the Info column says.
local function transport(tvb, pinfo, root, tree, offset, length, nodes)
  local header = tree:add(f.transport, tvb(offset, TRANSPORT_BYTES))
  header:add(f.opcode_reserved, tvb(offset, 1))
  local opcode, vc = tvb(offset, 1):bitfield(2, 6), tvb(offset + 1, 1):uint()
  local opcode_item = header:add(f.opcode, tvb(offset, 1))
  local vc_item = header:add(f.vc, tvb(offset + 1, 1))
  header:add(f.tx, tvb(offset + 2, 1))
  header:add(f.rx, tvb(offset + 3, 1))
  header:add(f.epoch, tvb(offset + 4, 2))
  header:add(f.congestion, tvb(offset + 6, 1))
  header:add(f.reserved, tvb(offset + 7, 1))
  header:add(f.version, tvb(offset + 8, 1))
  header:add(f.reserved_low, tvb(offset + 8, 1))
  header:add(f.extension, tvb(offset + 9, 1))
  header:add(f.tx_id, tvb(offset + 10, 4))
  header:add(f.rx_id, tvb(offset + 14, 4))
  local data = ""
  if length > 0 then
    local kept = math.min(length, tvb:captured_len() - offset - TRANSPORT_BYTES)
    if kept > 0 then
      tree:add(f.payload, tvb(offset + TRANSPORT_BYTES, kept))
      data = tvb(offset + TRANSPORT_BYTES, kept):bytes():tohex()
    end
  end
  tree:add(f.payload_length, length):set_generated()
  local good = true
  if opcode > NACK_NOLINK then
    opcode_item:add_proto_expert_info(e.bad_value, "Opcode above 10")
    good = false
  end
  if vc > 2 then
    vc_item:add_proto_expert_info(e.bad_value, "VC above 2")
    good = false
  end
  if opcode == PAYLOAD and length == 0 then
    opcode_item:add_proto_expert_info(e.bad_length, "PAYLOAD without a payload")
    good = false
  end
  local name = OPCODES[opcode] or ("opcode " .. opcode)
  local tx_id, rx_id = tvb(offset + 10, 4):uint(), tvb(offset + 14, 4):uint()
  local ends = nodes.src < nodes.dst and {nodes.src, nodes.dst} or {nodes.dst, nodes.src}
  local link = string.format("%s-%s vc %d", ends[1], ends[2], vc)
  tree:add(f.link, link):set_generated()
  if opcode == OPEN_NACK or opcode == CLOSE_NACK or opcode >= NACK and opcode <= NACK_NOLINK then
    opcode_item:add_proto_expert_info(e.nack, name)
  end
  return good, {opcode = opcode, name = name, vc = vc, tx_id = tx_id, rx_id = rx_id, data = data,
                epoch = tvb(offset + 4, 2):uint(), key = link .. " " .. nodes.src,
                peer_key = link .. " " .. nodes.dst}
end

local function finish(h, good, pinfo, tree, length)
  times[pinfo.number] = pinfo.abs_ts
  if good and not pinfo.visited then learn(h, pinfo.number) end
  show_links(tree, pinfo.number, times)
  local found = seen[pinfo.number] or {}
  local text = string.format("%s vc=%d tx_id=%u rx_id=%u", h.name, h.vc, h.tx_id, h.rx_id)
  if length > 0 then text = text .. string.format(" len=%d", length) end
  for _, name in ipairs({"replay", "duplicate", "retry", "changed"}) do
    if found[name] then text = text .. " [" .. name .. "]" end
  end
  pinfo.cols.protocol = "TTP"
  pinfo.cols.info = text
  tree:append_text(": " .. text)
end

-- The node of a MAC address, and whether it is in Tesla's OUI. Wireshark gives addresses as text, by
-- default with the vendor's name; the text of `ethers` names says nothing about the OUI.
local function mac_node(address)
  local text = tostring(address):lower()
  local node = text:match("^98:ed:5c:(%x%x:%x%x:%x%x)$")
    or text:match("^tesla%a*_(%x%x:%x%x:%x%x)$")
  if node then return (node:gsub(":", "")), true end
  return text, not text:match("%x%x:%x%x:%x%x$") and text ~= "broadcast"
end

-- The node in the IPv4 form: the host part of the address, as in 10.0.0.0/8.
local function ip_node(address)
  local b, c, d = tostring(address):match("^%d+%.(%d+)%.(%d+)%.(%d+)$")
  return b and string.format("%02x%02x%02x", b, c, d) or tostring(address)
end

local function short(tvb, pinfo, tree, text)
  tree:add_proto_expert_info(e.bad_length, text)
  pinfo.cols.protocol = "TTP"
  pinfo.cols.info = text
  return tvb:len()
end

-- Behind EtherType: TTH, TSH, transport header. `tvb` begins at byte 14 of the frame.
local ethernet = Proto("ttpoe_eth", "Tesla Transport Protocol over Ethernet")
function ethernet.dissector(tvb, pinfo, root)
  local tree = root:add(ttp, tvb())
  local header = TTH_BYTES + TSH_BYTES + TRANSPORT_BYTES
  if tvb:captured_len() < header then
    return short(tvb, pinfo, tree, "TTP frame too short for its headers")
  end
  local tth = tree:add(f.tth, tvb(0, TTH_BYTES))
  tth:add(f.subtype, tvb(0, 1))
  tth:add(f.tth_version, tvb(0, 1))
  tth:add(f.header_words, tvb(0, 1))
  tth:add(f.gateway, tvb(1, 1))
  tth:add(f.tth_reserved, tvb(1, 1))
  local total_item = tth:add(f.total_length, tvb(2, 2))
  tth:add(f.padding, tvb(4, 16))
  local tsh = tree:add(f.tsh, tvb(TTH_BYTES, TSH_BYTES))
  tsh:add(f.src_node, tvb(TTH_BYTES, 3))
  tsh:add(f.dst_node, tvb(TTH_BYTES + 3, 3))
  local length_item = tsh:add(f.length, tvb(TTH_BYTES + 6, 2))
  local total, length = tvb(2, 2):uint(), tvb(TTH_BYTES + 6, 2):uint()
  local noc = length - TSH_BYTES - TRANSPORT_BYTES
  local lies = true
  if noc < 0 or noc > MAX_PAYLOAD then
    length_item:add_proto_expert_info(e.bad_length, "TSH length not from 26 to 1050")
  elseif total ~= length + TTH_BYTES then
    total_item:add_proto_expert_info(e.bad_length, "Total length is not TSH length + 20")
  elseif tvb:reported_len() < TTH_BYTES + length then
    length_item:add_proto_expert_info(e.bad_length, "The frame is shorter than TSH length says")
  elseif tvb:reported_len() + 14 < MIN_FRAME then
    tree:add_proto_expert_info(e.bad_length, "The frame has less than 64 bytes")
  else
    lies = false
  end
  local bad_words = tvb(0, 1):uint() ~= 0x05
  if bad_words then
    tth:add_proto_expert_info(e.bad_value, "TTH does not begin with 0x05")
  end
  local src, src_ours = mac_node(pinfo.dl_src)
  local dst, dst_ours = mac_node(pinfo.dl_dst)
  if not (src_ours and dst_ours) then
    tree:add_proto_expert_info(e.bad_value, "A MAC address outside of 98:ed:5c")
  end
  local inside = math.max(0, math.min(noc, tvb:reported_len() - header))
  local good, h = transport(tvb, pinfo, root, tree, TTH_BYTES + TSH_BYTES, inside,
                            {src = src, dst = dst})
  if tvb:captured_len() > header + inside then
    tree:add(f.trailer, tvb(header + inside))
  end
  finish(h, good and not lies and not bad_words and src_ours and dst_ours, pinfo, tree, inside)
  return tvb:len()
end

-- The IPv4 form: `tvb` is what UDP carries. The node is the host part of the address.
function ttp.dissector(tvb, pinfo, root)
  local tree = root:add(ttp, tvb())
  if tvb:captured_len() < TRANSPORT_BYTES then
    return short(tvb, pinfo, tree, "TTP datagram too short for its header")
  end
  local length = tvb:reported_len() - TRANSPORT_BYTES
  local good, h = transport(tvb, pinfo, root, tree, 0, length,
                            {src = ip_node(pinfo.net_src), dst = ip_node(pinfo.net_dst)})
  if length > MAX_PAYLOAD then
    tree:add_proto_expert_info(e.bad_length, "More than 1024 bytes of payload")
    good = false
  end
  finish(h, good, pinfo, tree, length)
  return tvb:len()
end

for _, ethertype in ipairs(ETHERTYPES) do
  DissectorTable.get("ethertype"):add(ethertype, ethernet)
end
DissectorTable.get("udp.port"):add(UDP_PORT, ttp)
