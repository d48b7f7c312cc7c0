"""What is on the site: its navigation, and which sources and pictures each block's page has."""

__all__ = ["BLOCKS", "NAVIGATION", "Block"]

from dataclasses import dataclass


@dataclass(frozen=True)
class Block:
    """One page: `sources` below rtl/ttpoe, without `.py`; `pictures` below docs/pictures."""

    page: str
    title: str
    sources: tuple
    pictures: tuple = ()


# fmt: off
BLOCKS = (
    Block("engine", "Engine and its flat ports", ("engine", "verilog/top", "verilog/ports")),
    Block("rx-parser", "Frame parser", ("rx/parser", "rx/datagram", "stream/carry"),
          ("block-rx-parser",)),
    Block("rx-memory", "Receive memory", ("rx/path", "rx/memory", "rx/pool", "rx/queue"),
          ("block-rx-memory",)),
    Block("rx-deliver", "Delivery to the host", ("rx/deliver", "rx/reader"),
          ("block-rx-deliver",)),
    Block("q0", "Q0: arbitrate",
          ("pipeline/q0_arbitrate", "pipeline/hold", "pipeline/credits", "pipeline/interlock",
           "pipeline/records", "stream/arbiter"), ("block-q0",)),
    Block("q1", "Q1: link table and pipeline",
          ("pipeline/pipeline", "pipeline/q1_read", "pipeline/victim", "link/table"),
          ("pipeline-event", "pipeline-pair", "block-q1")),
    Block("q2", "Q2: decide",
          ("pipeline/q2_decide", "pipeline/q2_guards", "pipeline/q2_rules", "pipeline/q2_new_tag",
           "link/fsm", "link/state_table", "link/effects", "link/identity"), ("block-q2",)),
    Block("q3", "Q3: commit", ("pipeline/q3_commit", "pipeline/trace"), ("block-q3",)),
    Block("ready", "Ready queues", ("link/ready",), ("block-ready",)),
    Block("congestion", "Congestion control",
          ("congestion/control", "congestion/law", "congestion/heard", "congestion/window",
           "congestion/pace", "congestion/backlog", "congestion/gate", "congestion/line_clock",
           "congestion/state")),
    Block("replay-memory", "Replay memory and slot lists", ("replay/memory", "replay/lists"),
          ("block-replay-memory", "block-replay-read", "block-replay-lists")),
    Block("replayer", "Replayer and retirer", ("replay/replayer", "replay/retirer"),
          ("block-replayer", "block-retirer")),
    Block("reorder", "Reorder directory and look-ups",
          ("reorder/directory", "reorder/lookup", "reorder/ask"), ("block-reorder",)),
    Block("timer", "Link timer", ("link/timer",), ("block-timer",)),
    Block("tx-host", "Host ports and slot writer", ("tx/slot_writer", "tx/host_port"),
          ("block-tx-host",)),
    Block("tx-builder", "PAYLOAD queue, slot reader, frame builder",
          ("tx/path", "tx/payload_queue", "tx/control_queue", "tx/slot_reader", "tx/builder"),
          ("block-tx-builder",)),
    Block("nic", "NIC: classifier and OS path",
          ("nic/nic", "nic/classifier", "nic/os_path", "nic/frame_buffer", "nic/tx_merge"),
          ("block-nic-rx", "block-nic-tx")),
    Block("mac", "Ethernet MAC: GMII, MII, RGMII", ("mac/gmii_mac", "mac/gmii_tx", "mac/gmii_rx", "mac/mii",
                                         "mac/crossing", "mac/counters", "mac/mdio",
                                         "mac/rgmii")),
    Block("port", "Port: NIC and MAC", ("port/port", "port/side", "port/gmii", "port/fast")),
    Block("board", "Boards: UART, registers, applications, clocks",
          ("board/core", "board/uart", "board/bridge", "board/split",
           "board/register_file", "board/apps", "board/host_bridge", "board/lights",
           "board/clocks")),
    Block("secded", "Memories",
          ("memory/protected", "memory/secded", "memory/forwarded", "memory/swept",
           "memory/read_port")),
    Block("seed", "Seed of IDs and epochs", ("nic/seed",)),
    Block("csr", "Registers",
          ("nic/managed", "csr/axil", "csr/block", "csr/counters", "csr/notices"),
          ("block-csr-read", "block-csr-write")),
    Block("xgmii-mac", "XGMII MAC and hard MACs",
          ("mac/xgmii_mac", "mac/xgmii_tx", "mac/xgmii_gap", "mac/xgmii_rx", "mac/xgmii_align",
           "mac/xgmii_fault", "mac/hard_mac", "mac/store", "mac/beat_crossing", "mac/fcs")),
    Block("traffic", "Traffic for soaks",
          ("traffic/soak", "traffic/source", "traffic/pattern", "traffic/checker",
           "traffic/wire", "traffic/cycle", "traffic/noise")),
)
# fmt: on

# fmt: off
NAVIGATION = (
    ("Start", ("index", "start/quick-start", "start/walk-through", "start/limits")),
    ("Protocol", ("protocol/protocol", "protocol/decisions", "protocol/sources",
                  "protocol/differences", "protocol/claims", "protocol/tesla")),
    ("Design", ("design/architecture", "design/congestion", "design/rules", "design/states",
                "design/xgmii")),
    ("Blocks", tuple(f"design/blocks/{block.page}" for block in BLOCKS)),
    ("Guides", ("guides/integration", "guides/boards", "guides/litex", "guides/live-wire",
                "guides/ladder", "guides/wireshark", "guides/waves", "guides/campaigns",
                "guides/how-to")),
    ("Reference", ("reference/configuration", "reference/registers", "reference/mac",
                   "reference/state-table",
                   "reference/trace", "reference/coverage", "reference/coverage-mac",
                   "reference/glossary")),
    ("Evidence", ("evidence/verification", "evidence/performance", "evidence/formal",
                  "evidence/random", "evidence/abuse", "evidence/faults", "evidence/mutation",
                  "evidence/soak", "evidence/goodput", "evidence/fabric", "evidence/congestion",
                  "evidence/packet", "evidence/ns3", "evidence/synthesis", "evidence/run-times",
                  "evidence/log")),
)
# fmt: on
"""(section, pages). A page that does not exist is left out; one of docs/ that is not named here
is put under "More"."""
