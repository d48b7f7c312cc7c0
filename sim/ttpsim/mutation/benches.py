"""What a block's own bench says of a mutant: the block's netlist takes its place there."""

import dataclasses
import hashlib
import json
import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path

from ttpsim.mutation.gates import Place, cells_of
from ttpsim.synth.targets.tools import ROOT
from ttpverif.coverage.points import SOURCES

__all__ = ["BENCHES", "Bench", "benches_of", "quick_first", "run_bench"]


@dataclass(frozen=True)
class Bench:
    """Tests that simulate `component` (module:Class) with Amaranth; it is the block `block`."""

    block: str
    component: str
    tests: tuple

    @property
    def name(self):
        return f"{self.component} in {' '.join(self.tests)}"

    def key(self):
        """Another one when the tests, what they share, or how a mutant is put there are others."""
        ours = [Path(__file__).with_name(file) for file in ("gates.py", "bench_plugin.py")]
        tests = [ROOT / test.split("::")[0] for test in self.tests]
        files = [
            file
            for test in tests
            for file in sorted(test.parent.glob("*.py"))
            if file == test or not file.name.startswith("test_")
        ] + ours
        return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:12]


def _bench(block, component, *tests):
    return Bench(
        block,
        f"ttpoe.{component}",
        tuple(
            "::".join([f"tests/{file}.py", *one]) for file, *one in (t.split("::") for t in tests)
        ),
    )


_DECIDE = tuple(
    f"pipeline/test_{name}"
    for name in (
        "decide",
        "decide_selective",
        "decide_selective_looks",
        "decide_selective_nack",
        "decide_selective_walk",
        "zero_link",
        "zero_link_data",
        "zero_link_open",
    )
)

# The quick ones first. Blocks with kilobytes of memory, and all registers, would take too long.
BENCHES = [
    _bench("arbitrate_arbiter", "stream.arbiter:UrgencyArbiter", "stream/test_arbiter"),
    _bench("rx_deliver_arbiter", "stream.arbiter:UrgencyArbiter", "stream/test_arbiter"),
    _bench("slot_writer_arbiter", "stream.arbiter:UrgencyArbiter", "stream/test_arbiter"),
    _bench("replayer", "replay.replayer:Replayer", "replay/test_replayer"),
    _bench("retirer", "replay.retirer:Retirer", "replay/test_retirer"),
    _bench("identity", "link.identity:Identity", "link/test_identity"),
    _bench("timer", "link.timer:LinkTimer", "link/test_timer"),
    _bench("congestion_clock", "congestion.line_clock:LineClock", "congestion/test_line_clock"),
    _bench("congestion_gate", "congestion.gate:Gate", "congestion/test_gate"),
    _bench("congestion_backlog", "congestion.backlog:Backlog", "congestion/test_backlog"),
    _bench("congestion_law", "congestion.law:Law", "congestion/test_law"),
    *(
        _bench(f"arbitrate_hold_{source}", "pipeline.hold:Hold", "pipeline/test_hold")
        for source in SOURCES
    ),
    _bench("arbitrate_control", "pipeline.credits:Credits", "pipeline/test_credits"),
    _bench("arbitrate_payload", "pipeline.credits:Credits", "pipeline/test_credits"),
    _bench("pipeline_interlock", "pipeline.interlock:Interlock", "pipeline/test_interlock"),
    _bench("pipeline_read_victim", "pipeline.victim:VictimChoice", "pipeline/test_victim"),
    _bench("pipeline_decide_guards", "pipeline.q2_guards:Guards", *_DECIDE),
    _bench("pipeline_decide_rules", "pipeline.q2_rules:Rules", *_DECIDE),
    _bench("pipeline_decide_new_tag", "pipeline.q2_new_tag:NewTag", *_DECIDE),
    _bench(
        "pipeline_reorder",
        "reorder.directory:ReorderDirectory",
        "reorder/test_directory::test_a_change_is_seen_at_every_distance",
    ),
    _bench("lookup", "reorder.lookup:LookUp", "reorder/test_lookup"),
    _bench("ask", "reorder.ask:Ask", "reorder/test_ask"),
    _bench("slot_lists", "replay.lists:SlotLists", "replay/test_lists"),
    _bench("slot_writer", "tx.slot_writer:SlotWriter", "tx/test_slot_writer"),
    _bench("tx_queue", "tx.payload_queue:PayloadQueue", "tx/test_payload_queue"),
    _bench("rx_pool", "rx.pool:SlotPool", "rx/test_pool"),
    _bench("csr_counters", "csr.counters:Counters", "csr/test_counters"),
    _bench("arbitrate", "pipeline.q0_arbitrate:Arbitrate", "pipeline/test_arbitrate"),
    _bench("ready_queues", "link.ready:ReadyQueues", "link/test_ready"),
    _bench("pipeline_table", "link.table:LinkTable", "link/test_table"),
    _bench("pipeline_table_keys", "memory.forwarded:ForwardedMemory", "memory/test_forwarded"),
    _bench("pipeline_read", "pipeline.q1_read:ReadTag", "pipeline/test_pipeline"),
    _bench("rx_parser", "rx.parser:FrameParser", "rx/test_parser"),
    _bench("rx_parser_carry", "stream.carry:Carry", "stream/test_carry"),
    _bench("tx_builder_carry", "stream.carry:Carry", "stream/test_carry"),
    _bench("os_path_rx_classifier", "nic.classifier:Classifier", "nic/test_classifier"),
    _bench("os_path_tx_classifier", "nic.classifier:Classifier", "nic/test_classifier"),
    _bench("tx_merge", "nic.tx_merge:TxMerge", "nic/test_tx_merge"),
    _bench("commit", "pipeline.q3_commit:Commit", "pipeline/test_background"),
    _bench("tx", "tx.path:TxPath", "tx/test_path"),
]


def benches_of(block, benches=None):
    """The benches of a block, or of a block that it is part of, the smallest first."""
    found = [
        bench
        for bench in (BENCHES if benches is None else benches)
        if block == bench.block or block.startswith(bench.block + "_")
    ]
    return sorted(found, key=lambda bench: -len(bench.block))


def quick_first(result):
    """Key that sorts mutants of the results by the place of their own bench in the table."""
    own = benches_of(result["block"])[:1]
    return BENCHES.index(own[0]) if own else len(BENCHES)


def run_bench(bench, folder, processes, tests=None, mutant=None, clean=None):
    """Run a bench on netlists. Without a mutant: `{test: clocks}` of what passes.

    With one, of the netlist `clean` (JSON): the first of `tests` that fails and what it says;
    (None, "") if all pass; (None, why) if the bench's blocks have no such point.
    """
    folder.mkdir(parents=True, exist_ok=True)
    task, out = folder / "task.json", folder / "task.out"
    place = None
    if mutant is not None:
        path = mutant.block.removeprefix(bench.block).strip("_")
        place = dataclasses.asdict(Place.of(mutant, path, cells_of(clean)[mutant.module]))
    task.write_text(
        json.dumps(
            {"class": bench.component, "folder": str(folder), "place": place, "tests": tests}
        )
    )
    out.unlink(missing_ok=True)
    paths = [ROOT / "rtl", ROOT / "verif", ROOT / "sim"]
    environment = dict(
        os.environ,
        TTP_MUTATED=str(task),
        PYTHONPATH=os.pathsep.join(map(str, paths)),
        COLUMNS="250",
    )  # or pytest leaves out why a test failed
    log = folder / "log.txt"
    processes.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-p",
            "ttpsim.mutation.bench_plugin",
            "-p",
            "no:cacheprovider",
            "--tb=short",
            *(["-x"] if mutant else []),
            *bench.tests,
        ],
        log,
        env=environment,
        cwd=ROOT,
    )
    if not out.exists():
        if processes.stopped:
            return {} if mutant is None else (None, "")
        raise RuntimeError(f"{bench.name}: pytest ended early; see {log}")
    came = json.loads(out.read_text())
    if came["error"]:
        raise RuntimeError(f"{bench.name}: {came['error']}")
    if mutant is None:
        return came["passed"]
    if not came["mutated"]:
        return None, "no such point in the bench's sizes"
    failed = re.search(r"(?m)^(?:FAILED|ERROR) (\S+)(?: - (.*))?$", log.read_text(errors="replace"))
    return (failed[1], failed[2] or "fails") if failed else (None, "")
