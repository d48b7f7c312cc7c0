"""A block as gates in the place of the block: it is the same block; a mutant in it is seen."""

import json
import random

import pytest
from amaranth.hdl import Module, Mux, ResetInserter, Signal
from amaranth.lib import memory, wiring
from amaranth.lib.wiring import In, Out
from amaranth.sim import Simulator

pytest.importorskip("pyosys", reason="pyosys is missing: sh sim/tools/setup.sh formal")

from ttpoe.config import preset
from ttpoe.rx.pool import SlotPool
from ttpoe.verilog.component import emit_rtlil
from ttpsim.build import builds
from ttpsim.mutation.benches import BENCHES, Bench, benches_of, quick_first, run_bench
from ttpsim.mutation.gates import Gates, NoModel, Place, cells_of, compiled, to_gates
from ttpsim.mutation.netlist import Mutant, clean, draw


class Mill(wiring.Component):
    """Something of everything: arithmetic, shifts, choices, a memory, registers of each kind."""

    def __init__(self, width=6):
        self.width = width
        super().__init__(
            {
                "a": In(width),
                "b": In(width),
                "choose": In(3),
                "sum": Out(width + 1),
                "made": Out(width),
                "read": Out(width),
                "kept": Out(4),
                "still": Out(2),
            }
        )

    def elaborate(self, platform):
        m = Module()
        m.submodules.words = words = memory.Memory(shape=self.width, depth=4, init=[3, 1, 2])
        write, read = words.write_port(), words.read_port()
        count = Signal(4, init=9)
        kept = Signal(4, init=5, reset_less=True)
        m.d.comb += [
            write.en.eq(self.choose[0]),
            write.addr.eq(self.b),
            write.data.eq(self.a),
            read.addr.eq(self.a),
            read.en.eq(self.choose != 3),
            self.read.eq(read.data),
            self.sum.eq(self.a + self.b),
            self.kept.eq(kept ^ count),
        ]
        with m.Switch(self.choose):
            with m.Case(0):
                m.d.comb += self.made.eq(self.a - self.b)
            with m.Case(1, 2):
                m.d.comb += self.made.eq(self.a << self.b[:2])
                m.d.sync += count.eq(count + 3)
            with m.Case(5):
                m.d.comb += self.made.eq(Mux(self.a < self.b, self.a, ~self.b))
                m.d.sync += [kept.eq(kept + self.a), count.eq(self.a.as_signed() >> self.b[:1])]
        return m


class _Inside(wiring.Component):
    """What a bench has when the plugin has replaced the contents of its component."""

    def __init__(self, gates, dut):
        self._gates = gates
        super().__init__(dut.signature)
        for name in dut.signature.members:
            setattr(self, name, getattr(dut, name))

    def elaborate(self, platform):
        return self._gates.contents()


def play(dut, gates=None):
    """Outputs by clock for random inputs; resets come between, and the simulation begins anew."""
    rng, seen = random.Random(5), []
    reset = Signal()

    async def bench(ctx):
        for _clock in range(300):
            for name in ("a", "b", "choose"):
                ctx.set(getattr(dut, name), rng.getrandbits(len(getattr(dut, name))))
            ctx.set(reset, rng.random() < 0.05)
            seen.append(
                [ctx.get(getattr(dut, name)) for name in ("sum", "made", "read", "kept", "still")]
            )
            await ctx.tick()

    sim = Simulator(ResetInserter(reset)(_Inside(gates, dut) if gates else dut))
    sim.add_clock(1e-8)
    if gates:
        sim.add_process(gates.registers)
        sim.add_process(gates.wires)
    sim.add_testbench(bench)
    sim.run()
    sim.reset()
    sim.run()
    return seen


def emitted(dut):
    return emit_rtlil(dut, "block", source_positions=True)


def test_gates_do_what_the_source_does(tmp_path):
    dut = Mill()
    module, mutated = to_gates(tmp_path, emitted(Mill()), None)
    assert not mutated and play(dut, Gates(dut, compiled(module))) == play(Mill())


@pytest.mark.parametrize("width", [6, 9])
def test_a_mutant_is_the_same_gate_in_another_size(tmp_path, width):
    """Drawn in a Mill of 6 bits; found by its place in that of 9 bits, too."""
    sizes = clean(tmp_path / "engine", Mill(), "ttp_engine")
    drawn = draw(tmp_path, {("engine", name): cells for name, cells in sizes.items()}, 6, seed=3)
    cells = cells_of(tmp_path / "engine" / "clean.json")
    right = play(Mill(width))
    found = 0
    for mutant in drawn["engine"]:
        place = Place.of(
            mutant, "words" if mutant.module.endswith("words") else "", cells[mutant.module]
        )
        module, mutated = to_gates(tmp_path / "block", emitted(Mill(width)), place)
        assert mutated, mutant
        dut = Mill(width)
        found += play(dut, Gates(dut, compiled(module))) != right
    assert found >= 5, f"{found} of {len(drawn['engine'])}"


def test_a_place_that_is_not_there_changes_nothing(tmp_path):
    clean(tmp_path / "engine", Mill(9), "ttp_engine")
    cells = cells_of(tmp_path / "engine" / "clean.json")
    adder = next(
        name
        for name, cell in cells["ttp_engine"].items()
        if cell[0] == "$add" and cell[2]["Y"] == 10
    )
    mutant = next(iter(draw(tmp_path, {("engine", "ttp_engine"): 1}, 1, seed=1)["engine"]))
    mutant.cell, mutant.port, mutant.portbit, mutant.ctrlbit, mutant.mode = (
        adder,
        "A",
        8,
        None,
        "inv",
    )
    place = Place.of(mutant, "", cells["ttp_engine"])
    assert to_gates(tmp_path / "wide", emitted(Mill(9)), place)[1]
    assert not to_gates(tmp_path / "narrow", emitted(Mill(6)), place)[1]


def test_cells_and_ports_without_names_are_counted_in_the_order_they_were_made():
    """Numbers in their names are others in every netlist, and have another number of digits."""

    def cells(first, top):
        return {
            f"$procmux${first + 9}": ("$mux", "", {"A": 32, "S": 1}),
            f"$procmux${first}": ("$mux", "", {"A": 4, "S": 1}),
            "one": (
                f"{top}_one",
                "a.py:1",
                {"clk": 1, f"port${first + 9}$0": 2, f"port${first}$0": 1},
            ),
        }

    def there(cell, port, bit):
        mutant = Mutant(1, "engine", "inv", "ttp_engine_core", cell, port, bit, None, "", [])
        return Place.of(mutant, "", cells(994, "ttp_engine_core")).command(
            {"block": cells(94, "block")}, "block"
        )

    assert "-cell $procmux$103 -port A -portbit 31" in there("$procmux$1003", "A", 31)
    assert "-cell $procmux$94 " in there("$procmux$994", "S", 0)
    assert "-cell one -port port$103$0 -portbit 1" in there("one", "port$1003$0", 1)
    assert "-cell one -port port$94$0 -portbit 0" in there("one", "port$994$0", 0)


def test_a_clock_that_is_stuck_or_inverted(tmp_path):
    clean(tmp_path / "engine", Mill(), "ttp_engine")
    cells = cells_of(tmp_path / "engine" / "clean.json")
    register = next(name for name, cell in cells["ttp_engine"].items() if "CLK" in cell[2])
    mutant = next(iter(draw(tmp_path, {("engine", "ttp_engine"): 1}, 1, seed=1)["engine"]))
    mutant.cell, mutant.port, mutant.portbit, mutant.ctrlbit, mutant.mode = (
        register,
        "CLK",
        0,
        None,
        "const0",
    )
    place = Place.of(mutant, "", cells["ttp_engine"])
    module, mutated = to_gates(tmp_path / "stuck", emitted(Mill()), place)
    dut = Mill()
    assert mutated and play(dut, Gates(dut, compiled(module))) != play(Mill())
    mutant.mode = "inv"
    place = Place.of(mutant, "", cells["ttp_engine"])
    with pytest.raises(NoModel):
        compiled(to_gates(tmp_path / "inverted", emitted(Mill()), place)[0])


@pytest.fixture(scope="module")
def pool(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pool")
    name = "ttp_engine_core_rx_pool"
    sizes = clean(folder / "engine", SlotPool(preset("tiny")), name)
    drawn = draw(folder, {("engine", module): n for module, n in sizes.items()}, 4, seed=1)
    return folder, {mutant.module: mutant for mutant in drawn["engine"]}


def test_bench_on_a_netlist(pool):
    """One test of a real bench: it passes on the netlist, and fails with a mutant."""
    folder, mutants = pool
    file = "tests/rx/test_pool.py::test_kept_slots_leave_a_vc_all_its_room"
    bench = Bench("rx_pool", "ttpoe.rx.pool:SlotPool", (file,))
    tests = run_bench(bench, folder / "run", builds.Processes())
    assert tests == {file: 42}
    mutant = mutants["ttp_engine_core_rx_pool"]
    clean_json = folder / "engine" / "clean.json"
    block = json.loads(clean_json.read_text())["modules"][mutant.module]
    (room,) = block["ports"]["room"]["bits"]
    mutant.cell = next(
        name for name, cell in block["cells"].items() if room in cell["connections"].get("Y", ())
    )
    mutant.port, mutant.portbit, mutant.ctrlbit, mutant.mode = "Y", 0, None, "inv"
    test, said = run_bench(bench, folder / "run", builds.Processes(), tests, mutant, clean_json)
    assert test == file and said
    inside = mutants["ttp_engine_core_rx_pool_delivered"]
    inside.module += "_that_is_not_there"
    with pytest.raises(KeyError):
        run_bench(bench, folder / "run", builds.Processes(), tests, inside, clean_json)


def test_every_bench_is_there():
    """Components and files of the table exist; the smallest bench of a block comes first."""
    root = builds.ROOT
    for bench in BENCHES:
        module, name = bench.component.split(":")
        source = root / "rtl" / f"{module.replace('.', '/')}.py"
        assert f"class {name}(" in source.read_text(), bench
        for file, *one in (test.split("::") for test in bench.tests):
            assert all(f"def {name}(" in (root / file).read_text() for name in one), bench
            assert (root / file).exists(), bench
    assert [bench.block for bench in benches_of("slot_writer_arbiter")] == [
        "slot_writer_arbiter",
        "slot_writer",
    ]
    blocks = [{"block": name} for name in ("top", "rx_pool_delivered", "replayer_ranges")]
    assert sorted(blocks, key=quick_first) == blocks[::-1]
    assert benches_of("top") == []
