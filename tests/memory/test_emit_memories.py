"""The emitter and memories: `ttpoe.memory.protected.COLLISION_UNDEFINED` arrives in the Verilog."""

import functools
import re

import pytest
from amaranth.hdl import Fragment, Module, Signal
from amaranth.hdl._mem import MemoryInstance
from amaranth.lib import memory, wiring
from amaranth.lib.wiring import In, Out

from tests.emitted import emitted
from tests.long import long_case
from ttpoe.config import PRESETS
from ttpoe.layouts import rx_event_layout
from ttpoe.memory.protected import COLLISION_UNDEFINED
from ttpoe.memory.secded import coded_bits
from ttpoe.pipeline.records import entry_layout
from ttpoe.rx.reader import BUFFER_BEATS, read_beat_layout
from ttpoe.verilog import component, emit

RULE_OF_ALL = dict.fromkeys(("way0", "way1", "next_memory", "info_memory", "count_memory"), True)
RULE_OF_ALL |= {"length_memory": False, "totals": False}
"""Some memories by name: the attribute has not been lost or given to one that needs old values."""


def memories(fragment, path=()):
    """Every memory of an elaborated design: (path, attributes, its read ports)."""
    if isinstance(fragment, MemoryInstance):
        yield path, fragment._attrs, fragment._read_ports
    for inner, name, _location in fragment.subfragments:
        yield from memories(inner, (*path, name))


def collisions(text):
    """{(module, memory): [does a clocked read that meets a write give X, ...]}."""
    found = {}
    for module in re.split(r"^(?=module )", text, flags=re.MULTILINE)[1:]:
        module_name = re.match(r"module (\w+)", module)[1]
        for name in re.findall(r"\breg (?:\[\d+:0\] )?(\w+) \[\d+:0\];", module):
            ports = found[module_name, name] = []
            for block in re.findall(
                r"^  always @\(posedge \w+\) begin\n.*?^  end\n", module, re.MULTILINE | re.DOTALL
            ):
                for register in re.findall(rf"(\w+) <= {name}\[", block):
                    after = block[block.index(f"{register} <= {name}[") :]
                    ports.append(
                        bool(
                            re.search(
                                rf"if \([^\n]* == [^\n]*\)\n *{register} <= \d+'[hb]x+;", after
                            )
                        )
                    )
    return found


def check(component, text, top):
    """Each clocked read port of a marked memory gives X where a write meets it; no other does."""
    shown, marked = collisions(text), {}
    design = list(memories(Fragment.get(component, None)))
    assert len(shown) == len(design)
    for path, attributes, ports in design:
        *modules, name = path
        key = ("_".join((top, *modules)), name)
        marked[path] = COLLISION_UNDEFINED.items() <= attributes.items()
        clocked = [port for port in ports if port._domain != "comb"]
        assert not marked[path] or clocked and not any(port._transparent_for for port in clocked)
        if marked[path]:
            assert shown[key] == [True] * len(clocked), key
        else:
            assert not any(shown[key]), key
    return marked


def sizes(text):
    """(words, bits of a word) of every memory, in order."""
    return sorted(
        (int(depth) + 1, int(bits or 0) + 1)
        for bits, depth in re.findall(r"(?m)^\s*reg (?:\[(\d+):0\] )?\w+ \[(\d+):0\];", text)
    )


@functools.cache
def whole_design(name, protect):
    """`(configuration, its Verilog)` of the largest top."""
    config = PRESETS[name].replace(protect=protect)
    return config, emitted("managed_nic", config)


@pytest.mark.parametrize(
    "name, protect",
    [
        ("tiny", "none"),
        ("tiny", "secded"),
        *(long_case(name, "none") for name in PRESETS if name != "tiny"),
    ],
)
def test_every_memory_of_the_whole_design(name, protect):
    config, text = whole_design(name, protect)
    marked = check(emit.wrapped("managed_nic", config), text, "ttp_managed_nic")
    by_name = {
        [part for part in path if part != "coded"][-1]: mark for path, mark in marked.items()
    }
    assert by_name | RULE_OF_ALL == by_name
    assert sum(marked.values()) >= 10


def test_protection_widens_every_memory_by_its_check_bits():
    """None is left out, split or doubled. The first entry of the queue of events and the two words
    of the interlock are registers then; a beat for the host keeps the check bits of the words that
    it is made of."""
    (config, plain), (protected, coded) = (
        whole_design("tiny", protect) for protect in ("none", "secded")
    )
    plain, coded, event = sizes(plain), sizes(coded), rx_event_layout(config).size
    plain.remove((config.event_depth, event))
    plain.append((config.event_depth - 1, event))
    plain.remove((2, entry_layout(config).size))
    beat, words = read_beat_layout(config).size, read_beat_layout(protected).size - 1
    assert plain.count((BUFFER_BEATS, beat)) == config.VCS
    assert coded == sorted(
        (depth, words + coded_bits(1) if bits == beat else coded_bits(bits))
        for depth, bits in plain
    )


# ---- a small design, and emitters that are wrong -------------------------------------------------


class Store(wiring.Component):
    """Two memories; `attributes` are the first one's."""

    def __init__(self, attributes, domain="sync"):
        self._attributes, self._domain = attributes, domain
        super().__init__(
            {
                "write": In(1),
                "to": In(4),
                "at": In(4),
                "go": In(1),
                "first": Out(8),
                "second": Out(8),
            }
        )

    def elaborate(self, platform):
        m = Module()
        data = Signal(8)
        m.d.sync += data.eq(data + 1)
        for name, out, attributes in (
            ("store", self.first, self._attributes),
            ("other", self.second, {}),
        ):
            m.submodules[name] = store = memory.Memory(shape=8, depth=16, init=[], attrs=attributes)
            write, read = store.write_port(), store.read_port(domain=self._domain)
            m.d.comb += [
                write.en.eq(self.write),
                write.addr.eq(self.to),
                write.data.eq(data),
                read.addr.eq(self.at),
                out.eq(read.data),
            ]
            if self._domain == "sync":
                m.d.comb += read.en.eq(self.go)
        return m


class Stores(wiring.Component):
    """The same memory names in two modules, of which one is marked."""

    def __init__(self):
        super().__init__({"write": In(1), "to": In(4), "at": In(4), "go": In(1), "out": Out(32)})

    def elaborate(self, platform):
        m = Module()
        outputs = []
        for name, attributes in (
            ("plain", {"ram_style": "block"}),
            ("marked", {"ram_style": "block", **COLLISION_UNDEFINED}),
        ):
            m.submodules[name] = store = Store(attributes)
            m.d.comb += [
                getattr(store, port).eq(getattr(self, port)) for port in ("write", "to", "at", "go")
            ]
            outputs += [store.first, store.second]
        m.d.comb += self.out.eq(sum(out << 8 * n for n, out in enumerate(outputs)))
        return m


def test_of_equal_names_only_the_marked_one():
    marked = check(Stores(), emit.emit_verilog(Stores(), "top"), "top")
    assert [path for path, mark in marked.items() if mark] == [("marked", "store")]


def test_a_read_without_a_clock_stays_as_it_is():
    plain, marked = (
        emit.emit_verilog(Store(attributes, "comb"), "top")
        for attributes in ({}, COLLISION_UNDEFINED)
    )
    assert plain == marked and "'hx" not in marked


def _forgets(text):
    return text.replace("  attribute \\ttp_collision_undefined 1\n", "")


def _marks_all(text):
    return re.sub(r"(\\COLLISION_X_MASK \d+)'0+", lambda mask: f"{mask[1]}'1", _forgets(text))


def _takes_equal_names_for_one(text):
    return re.sub(
        r'(?<=cell \$memrd_v2)(?:(?!end\n).)*?\\MEMID "\\\\store"',
        lambda cell: re.sub(r"(\\COLLISION_X_MASK \d+)'0+", lambda mask: f"{mask[1]}'1", cell[0]),
        _forgets(text),
        flags=re.DOTALL,
    )


@pytest.mark.parametrize("wrong", [_forgets, _marks_all, _takes_equal_names_for_one])
def test_a_wrong_emitter_is_caught(monkeypatch, wrong):
    right = emit.emit_verilog(Stores(), "top")
    monkeypatch.setattr(component, "collisions_undefined", wrong)
    text = emit.emit_verilog(Stores(), "top")
    assert text != right
    with pytest.raises(AssertionError, match=re.escape("('top_")):
        check(Stores(), text, "top")
