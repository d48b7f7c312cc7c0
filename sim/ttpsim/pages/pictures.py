"""Pictures of docs/, and the ladder of docs/start/walk-through.md, from two runs: `ttpoe pages pictures`."""

import contextlib
import io

from ttpoe.config import preset
from ttpsim.build import builds
from ttpsim.pages.block_pictures import Moments, nic_pictures, walk_pictures
from ttpsim.pages.stages import pipeline_pictures, stage_lane
from ttpsim.pages.walk_claims import missing
from ttpsim.paths import ROOT
from ttpsim.views.dump import Dump
from ttpsim.views.timing import Lane, diagram, svg

FOLDER = ROOT / "docs" / "pictures"
PAGE = ROOT / "docs" / "start" / "walk-through.md"
_OPENS, _ENDS = "<!-- generated: ladder -->\n", "<!-- end -->\n"
RUN = builds.BUILD / "runs" / "pictures"
NIC_RUN = builds.BUILD / "runs" / "pictures-nic"


def _frame(opcode, number):
    return [("", opcode, "opcode"), ("", number, "number")]


_PARSED = "@rx.o_parsed__payload"
_RECORD = "pair.{x}_trace"
_STAGES = [stage_lane(clock) for clock in ("Q0 join", "Q1 read", "Q2 guards", "Q3 hand out")]
_ACTION = Lane("Q3 action", f"{_RECORD}_action", "action", f"{_RECORD}_valid", "orange", True)
_PARSER = [
    Lane("last beat", "pair.{x}_s_mac_rx_tlast_core"),
    Lane(
        "frame parsed",
        "",
        _frame(f"{_PARSED}.opcode", f"{_PARSED}.tx_id"),
        "@rx.o_parsed__valid",
        "blue",
    ),
]
_ACKED = [
    _PARSER[0],
    Lane(
        "frame parsed, RxID",
        "",
        _frame(f"{_PARSED}.opcode", f"{_PARSED}.rx_id"),
        "@rx.o_parsed__valid",
        "blue",
    ),
]
_CONTROL = [
    Lane("TX valid", "pair.{x}_m_mac_tx_tvalid"),
    Lane(
        "frame",
        "",
        [
            ("", "@tx.builder.kept.opcode", "opcode"),
            ("RxID ", "@tx.builder.kept.rx_id", "number"),
            ("TxID ", "@tx.builder.kept.tx_id", "number"),
        ],
        "pair.{x}_m_mac_tx_tvalid",
        "blue",
    ),
]
_SENT = [
    Lane("TX valid", "pair.{x}_m_mac_tx_tvalid"),
    Lane(
        "frame, TxID",
        "",
        _frame("@tx.builder.kept.opcode", "@tx.builder.kept.tx_id"),
        "pair.{x}_m_mac_tx_tvalid",
        "blue",
    ),
]
_HOST = [
    Lane("host valid", "pair.{x}_m_host_rx2_tvalid"),
    Lane("ID", "@o_host__2__payload.id", "number", "pair.{x}_m_host_rx2_tvalid", "green"),
]


def pictures(dump):
    """`{name: WaveDrom source}`."""
    at = Moments(dump)
    gap = at.of("b", action="KEEP_NACK")
    nack = at.of("a", action="NACK_RANGE")
    fills = at.of("b", action="DELIVER_LOOK", nth=1)
    kept = at.of("b", action="DELIVER_KEPT", nth=1)
    ack = at.of("a", event="RX_ACK", nth=-1)
    slots = Lane("free slots", "@slot_lists.o_free_count", "number")
    return {
        "walk-gap": diagram(
            dump,
            "b: packet 6 arrives, 4 and 5 are missing",
            [
                ("wire", "b", _PARSER),
                ("pipeline", "b", [*_STAGES, _ACTION]),
                ("kept", "b", [Lane("kept, NACKed", "pair.{x}_stat_kept_nacked")]),
                ("wire", "b", _CONTROL),
            ],
            gap - 17,
            gap + 9,
        ),
        "walk-replay": diagram(
            dump,
            "a: NACK(4..5) arrives, both go out again",
            [
                ("wire", "a", _ACKED),
                ("pipeline", "a", [*_STAGES, _ACTION]),
                (
                    "walk",
                    "a",
                    [Lane("range walker", "@replayer.replayer_state", "replayer", colour="green")],
                ),
                (
                    "memory",
                    "a",
                    [
                        Lane("word read", "@tx.reader.o__valid"),
                        Lane("slot", "@replay_memory.word__addr.slot", "number", "", "red"),
                    ],
                ),
                ("wire", "a", _SENT),
            ],
            nack - 13,
            nack + 36,
        ),
        "walk-filled": diagram(
            dump,
            "b: packet 5 fills the gap, the kept ones follow",
            [
                ("wire", "b", _PARSER),
                ("pipeline", "b", [*_STAGES, _ACTION]),
                ("look-up", "b", [Lane("state", "@lookup.lookup_state", "lookup", colour="green")]),
                ("host", "b", _HOST),
                ("wire", "b", _CONTROL),
            ],
            fills - 13,
            kept + 6,
        ),
        "walk-retired": diagram(
            dump,
            "a: one ACK, and the slots are free again",
            [("wire", "a", _ACKED), ("pipeline", "a", _STAGES), ("memory", "a", [slots])],
            ack - 12,
            ack + 26,
        ),
    }


def simulate(folder=RUN, scenario="walk_through", top="engine"):
    """The `Dump` of a run, made anew; `SetupError` without Icarus."""
    builds.check_simulator("icarus")
    config, processes = preset("tiny"), builds.Processes()
    core = builds.emitted(config, processes, top)
    build = builds.compile_pair("icarus", core, config.name, True, processes, top)
    if builds.simulate(build, f"ttpsim.scenarios.{scenario}", folder, 1, {}, processes, config):
        raise builds.BuildError(f"the run failed; see {folder / 'log.txt'}")
    return Dump(build.waves_file(folder))


def ladder(capture):
    """The conversation as `ttpoe ladder` draws it."""
    from ttpverif.cli import main as ttpoe

    drawn = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    with contextlib.redirect_stdout(drawn):
        if ttpoe(["ladder", str(capture)]):
            raise builds.BuildError(f"ttpoe ladder failed on {capture}")
    drawn.seek(0)
    return "\n".join(line.rstrip() for line in drawn)


def made():
    """`{path: text}` of everything that this makes; what the page says must have happened."""
    dump = simulate()
    wrong = missing(dump, PAGE.read_text())
    if wrong:
        raise builds.BuildError(f"{PAGE.relative_to(ROOT)} should say: {' / '.join(wrong)}")
    sources = {
        **pictures(dump),
        **pipeline_pictures(dump, Moments(dump)),
        **walk_pictures(dump),
        **nic_pictures(simulate(NIC_RUN, "registers", "managed_nic")),
    }
    files = {FOLDER / f"{name}.svg": svg(source) + "\n" for name, source in sources.items()}
    text = PAGE.read_text()
    begin, end = text.index(_OPENS) + len(_OPENS), text.index(_ENDS)
    drawn = ladder(RUN / "wire.pcap")
    files[PAGE] = f"{text[:begin]}```text\n{drawn}\n```\n{text[end:]}"
    return files
