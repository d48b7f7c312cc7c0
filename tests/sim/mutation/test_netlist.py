"""Mutants in one netlist: none of them is there with 0, each number is one change."""

import re

import pytest
from amaranth.hdl import Module, Signal
from amaranth.lib import memory, wiring
from amaranth.lib.wiring import In, Out

pytest.importorskip("pyosys", reason="pyosys is missing: sh sim/tools/setup.sh formal")

from ttpsim.mutation.equivalence import _proven, proven_equal
from ttpsim.mutation.gates import cells_of
from ttpsim.mutation.netlist import Mutant, allot, clean, draw, mutated_verilog, parse_mutations
from ttpsim.synth.targets.tools import SynthError, yosys
from ttpverif.bench.pair import parse_ports


class Step(wiring.Component):
    """A register in a module of its own, so that the number must travel."""

    i: In(3)
    o: Out(3)

    def elaborate(self, platform):
        m = Module()
        m.d.sync += self.o.eq(self.i ^ 5)
        return m


class Small(wiring.Component):
    """Every point of it can be seen at `o` within a few clocks."""

    enable: In(1)
    i: In(3)
    o: Out(3)

    def elaborate(self, platform):
        m = Module()
        m.submodules.step = step = Step()
        held = Signal(3)
        with m.If(self.enable):
            m.d.sync += held.eq(step.o + self.i)
        m.d.comb += [step.i.eq(self.i), self.o.eq(held ^ step.o)]
        return m


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("netlist")


@pytest.fixture(scope="module")
def mutants(folder):
    sizes = clean(folder / "engine", Small(), "ttp_engine")
    assert set(sizes) == {"ttp_engine", "ttp_engine_step"}
    drawn = draw(folder, {("engine", name): cells for name, cells in sizes.items()}, 8, seed=1)
    (folder / "engine" / "core.v").write_text(mutated_verilog(folder, "engine", drawn["engine"]))
    return drawn["engine"]


def differs(folder, number):
    """Has Yosys' SAT solver a way to tell this mutant from the emitted block in 6 clocks?"""
    place = folder / "engine"
    ports = parse_ports((place / "mutants.v").read_text(), "mutated_engine")
    outer = [name for name in ports if name != "mutsel"]
    (place / "gate.v").write_text(
        "\n".join(
            [
                f"module gate({', '.join(outer)});",
                *(
                    f"  {direction} [{width - 1}:0] {name};"
                    for name, (direction, width) in ports.items()
                    if name != "mutsel"
                ),
                f"  mutated_engine inner(.mutsel({number}),",
                ", ".join(f".{n}({n})" for n in outer),
                "  );",
                "endmodule",
                "",
            ]
        )
    )
    log = f"sat{number}.log"
    try:
        yosys(
            place,
            [
                "read_rtlil clean.il",
                "rename ttp_engine gold",
                "flatten gold",
                "delete ttp_engine_step",
                "read_verilog mutants.v gate.v",
                "proc",
                "flatten gate",
                "miter -equiv -flatten gold gate miter",
                "hierarchy -top miter",
                "sat -verify -seq 6 -set-at 1 in_rst 1 -prove-skip 1 -prove trigger 0 miter",
            ],
            log=log,
        )
    except SynthError as error:
        assert "proof did fail" in str(error), error
        return True
    assert "no model found: SUCCESS" in (place / log).read_text()
    return False


def test_without_a_number_it_is_the_emitted_block(folder, mutants):
    assert not differs(folder, 0)
    assert not differs(folder, len(mutants) + 1)


def test_each_number_is_a_change(folder, mutants):
    assert [mutant.number for mutant in mutants] == list(range(1, len(mutants) + 1))
    assert len({mutant.identity for mutant in mutants}) == len(mutants) == 8
    assert {mutant.module for mutant in mutants} == {"ttp_engine", "ttp_engine_step"}
    assert all("test_netlist.py:" in mutant.sources[-1] for mutant in mutants if mutant.sources)
    assert [mutant.number for mutant in mutants if not differs(folder, mutant.number)] == []


class Wide(wiring.Component):
    """The carry out of its adder leads nowhere, and `never` is always 0."""

    i: In(3)
    o: Out(3)

    def elaborate(self, platform):
        m = Module()
        never = (self.i & self.o) & (self.i & ~self.o)
        m.d.sync += self.o.eq((self.o + self.i)[:3] ^ never)
        return m


def test_what_makes_no_difference_is_proven_to_change_nothing(folder):
    place = folder / "wide"
    clean(place, Wide(), "ttp_wide")
    cells = cells_of(place / "clean.json")["ttp_wide"]
    (adder,) = (name for name, cell in cells.items() if cell[0] == "$add")
    assert cells[adder][2]["Y"] == 3  # the carry is not there to be drawn
    first = next(name for name, cell in cells.items() if cell[0] == "$and")
    register = next(name for name, cell in cells.items() if "CLK" in cell[2])
    nothing, lowest, clock = (
        Mutant(1, "wide", "inv", "ttp_wide", cell, port, 0, None, "", [])
        for cell, port in ((first, "A"), (adder, "Y"), (register, "CLK"))
    )
    assert proven_equal(place, nothing)
    assert not proven_equal(place, lowest)
    assert not proven_equal(place, clock)


class Deep(wiring.Component):
    """A memory that is too large to be compared as a whole, and what is written into it."""

    i: In(4)
    o: Out(1)

    def elaborate(self, platform):
        m = Module()
        m.submodules.words = words = memory.Memory(shape=1, depth=2048, init=[])
        write, read = words.write_port(), words.read_port()
        count = Signal(11)
        m.d.sync += count.eq(count + 1)
        m.d.comb += [
            write.en.eq(1),
            write.addr.eq(count),
            read.addr.eq(count),
            read.en.eq(1),
            write.data.eq(self.i.any()),
            self.o.eq(read.data),
        ]
        return m


def test_what_the_gates_around_it_hide_is_proven_in_a_block_of_any_size(folder):
    """A bit of an OR, inverted while another one is 1 (nothing), or 0 (a fault)."""
    place = folder / "deep"
    clean(place, Deep(), "ttp_deep")
    cells = cells_of(place / "clean.json")["ttp_deep"]
    (either,) = (name for name, cell in cells.items() if cell[2].get("A") == 4)
    register = next(name for name, cell in cells.items() if "D" in cell[2])
    hidden, fault, kept = (
        Mutant(1, "deep", mode, "ttp_deep", cell, port, 2, 0, "", [])
        for mode, cell, port in (
            ("cnot1", either, "A"),
            ("cnot0", either, "A"),
            ("cnot1", register, "D"),
        )
    )
    assert proven_equal(place, hidden)
    assert not proven_equal(place, fault)
    assert not proven_equal(place, kept)


class Idle(wiring.Component):
    """A `Small` that is enabled only while its input is 0, and then adds nothing."""

    i: In(3)
    o: Out(3)

    def elaborate(self, platform):
        m = Module()
        m.submodules.small = small = Small()
        m.d.comb += [small.i.eq(self.i), small.enable.eq(self.i == 0), self.o.eq(small.o)]
        return m


def test_what_the_parent_never_does_may_hide_a_fault(folder):
    """The sum's operand is always 0: stuck at 0 it is the same in there, and nowhere else."""
    place = folder / "idle"
    clean(place, Idle(), "ttp_idle")
    module = "ttp_idle_small"
    text = re.search(rf"(?ms)^module \\{module}$.*?^end$", (place / "clean.il").read_text())[0]
    (cell,) = re.findall(r"cell \$add \S+\n(?:    .*\n)*", text)
    adder, operand = cell.split()[2], re.search(r"connect \\(\w) \\i\n", cell)[1]
    stuck, inverted = (
        Mutant(1, "idle", mode, module, adder, operand, 0, None, "", [])
        for mode in ("const0", "inv")
    )
    assert not _proven(place, stuck, module, text)
    assert proven_equal(place, stuck)
    assert not proven_equal(place, inverted)


def test_the_wrapper_is_what_the_bench_expects(folder, mutants):
    text = (folder / "engine" / "core.v").read_text()
    inner = parse_ports(text, "mutated_engine")
    assert inner.pop("mutsel") == ("input", 12)
    assert parse_ports(text, "ttp_engine") == inner


def test_shares():
    shares = allot({"large": 600, "small": 20, "one": 1}, 30)
    assert sum(shares.values()) == 30 and shares["one"] >= 1
    assert shares["large"] > 5 * shares["small"]
    assert allot({"a": 5, "b": 7}, 1) == {"a": 1, "b": 1}


def test_parse_mutations():
    text = (
        "mutate -mode none\n"
        "mutate -mode cnot0 -module ttp_engine_core_rx -cell $7 -port A -portbit 3 -ctrlbit 2 "
        "-wire total -wirebit 9 -src rtl/ttpoe/rx/path.py:10 -src x/other.py:1\n"
    )
    (mutant,) = parse_mutations(text, "engine")
    assert (mutant.block, mutant.source, mutant.signal) == ("rx", "rx/path.py:10", "total[9]")
    library = "mutate -mode inv -module m -cell $8 -port A -portbit 0 -src x/other.py:1 "
    (outside,) = parse_mutations(library + "-src /usr/lib/python3/contextlib.py:9\n", "engine")
    assert outside.source == "x/other.py:1"
    assert mutant.command() == (
        "mutate -ctrl mutsel 12 0 -mode cnot0 -module ttp_engine_core_rx "
        "-cell $7 -port A -portbit 3 -ctrlbit 2"
    )
