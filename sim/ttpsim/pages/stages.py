"""The clocks of the pipeline as lanes of a timing diagram, and the pictures of what they do.

`docs/design/architecture.md` tells what each clock is for.
"""

from ttpoe.memory.forwarded import FORWARDED
from ttpsim.build.builds import BuildError
from ttpsim.views.timing import Lane, diagram
from ttpverif.check.trace import ACTIONS

__all__ = ["PIPELINE", "pipeline_pictures", "stage_lane"]

_READ = ("@pipeline.read.i_event__valid", "@pipeline.read.i_event__payload.event")
_FOUND = ("@pipeline.read.o_found__valid", "@pipeline.read.o_found__payload.event.event")
# fmt: off
_CLOCKS = {
    "Q0 join": ("@arbitrate.o_event__valid", "@arbitrate.o_event__payload.event.event", 0),
    "Q0 door": ("@pipeline.interlock.o_event__valid",
                "@pipeline.interlock.o_event__payload.event.event", 0),
    "Q1 read": (*_READ, 0), "Q1 match": (*_READ, 1), "Q1 choose": (*_READ, 2),
    "Q2 guards": (*_FOUND, 0), "Q2 rules": (*_FOUND, 1),
    "Q2 new tag": ("@pipeline.successor__used", "@pipeline.decide.event_c.event", 0),
    "Q3 finish": ("@pipeline.o_done__valid", "@pipeline.o_done__payload.event.event", 0),
    "Q3 hand out": ("pair.{x}_trace_valid", "pair.{x}_trace_event", 0),
}
# fmt: on
PIPELINE = tuple(_CLOCKS)
"""The clocks of an event that Q0 has chosen."""


def stage_lane(clock):
    """The event that is in one of the clocks of `PIPELINE`."""
    valid, event, ago = _CLOCKS[clock]
    return Lane(f"{clock}", event, "event", valid, "yellow", True, ago)


def _of(clock, label, path, show="number", colour=""):
    return Lane(label, path, show, _CLOCKS[clock][0], colour, True)


_TAG, _DONE = "@pipeline.read.o_found__payload.tag", "@pipeline.o_done__payload"
_TABLE = [
    Lane("changed", "@pipeline.table.i_change"),
    Lane(
        "way 0 forwarded",
        "@pipeline.table.keys.forwards0",
        "number",
        "@pipeline.table.i_valid",
        "green",
    ),
    Lane("key written", "@pipeline.table.keys.o_writes"),
]


def _close_pair(at, x):
    """The cycles in which two events leave the pipeline that each deliver a kept packet of the same
    link, as close behind each other as they may be."""
    delivers = ACTIONS.index("DELIVER_KEPT")
    records = list(at.records(x, "lid", "action"))
    for (first, *one), (second, *other) in zip(records, records[1:]):
        if one == other and one[1] == delivers and second - first == FORWARDED:
            return first, second
    raise BuildError(
        f"no two events of {x} that deliver kept packets of one link are {FORWARDED} clocks apart"
    )


def pipeline_pictures(dump, at):
    """`{name: WaveDrom source}`: one event in all its clocks; two of one link behind each other."""
    one = at.of("b", action="KEEP_NACK")
    first, second = _close_pair(at, "b")
    return {
        "pipeline-event": diagram(
            dump,
            "one event: packet 6 arrives, 4 and 5 are missing",
            [
                (
                    "Q0",
                    "b",
                    [
                        Lane("offered", "@arbitrate.i_rx__valid"),
                        Lane("choose", "@arbitrate.hold_rx.o_valid"),
                        *map(stage_lane, PIPELINE[:2]),
                        _of("Q0 door", "set", "@pipeline.interlock.o_event__payload.row"),
                    ],
                ),
                ("Q1", "b", [*map(stage_lane, PIPELINE[2:5])]),
                (
                    "Q2",
                    "b",
                    [
                        *map(stage_lane, PIPELINE[5:8]),
                        _of("Q2 guards", "state found", f"{_TAG}.state", "state"),
                        _of("Q2 guards", "last in order", f"{_TAG}.received"),
                        _of(
                            "Q2 new tag",
                            "action",
                            "@pipeline.decide.o_outcome.action",
                            "action",
                            "orange",
                        ),
                    ],
                ),
                (
                    "Q3",
                    "b",
                    [
                        *map(stage_lane, PIPELINE[8:]),
                        Lane(
                            "control frame",
                            "@commit.o_control__payload.opcode",
                            "opcode",
                            "@commit.o_control__valid",
                            "blue",
                        ),
                    ],
                ),
                ("table", "b", [_TABLE[0], _TABLE[-1]]),
            ],
            one - 12,
            one + 1,
        ),
        "pipeline-pair": diagram(
            dump,
            f"two events of one link, {FORWARDED} clocks apart",
            [
                (
                    "Q0",
                    "b",
                    [
                        stage_lane("Q0 join"),
                        Lane("one aside", "@pipeline.interlock.o_aside__valid"),
                        stage_lane("Q0 door"),
                    ],
                ),
                ("Q1", "b", [*map(stage_lane, PIPELINE[2:5])]),
                (
                    "Q2",
                    "b",
                    [
                        *map(stage_lane, PIPELINE[5:8]),
                        _of("Q2 guards", "kept packets found", f"{_TAG}.kept"),
                    ],
                ),
                (
                    "Q3",
                    "b",
                    [
                        *map(stage_lane, PIPELINE[8:]),
                        _of("Q3 finish", "kept packets left", f"{_DONE}.tag.kept"),
                    ],
                ),
                ("table", "b", _TABLE),
            ],
            first - 10,
            second + 1,
        ),
    }
