"""The emitter: byte-reproducible, plain names, no paths, contents of memories only where needed."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from amaranth.hdl import Module
from amaranth.lib import memory, wiring
from amaranth.lib.wiring import In, Out

from tests.emitted import emitted
from tests.long import long, long_case
from ttpoe.config import PRESETS
from ttpoe.congestion.state import law_layout
from ttpoe.layouts import trace_layout
from ttpoe.verilog import emit
from ttpoe.verilog.top import flat_fields
from ttpverif.bench.pair import parse_ports

ROOT = Path(__file__).resolve().parents[2]
CASES = [name if name == "tiny" else long_case(name) for name in PRESETS]


class Rom(wiring.Component):
    """A memory with or without contents, one level down."""

    def __init__(self, init):
        self._init = init
        super().__init__({"addr": In(4), "data": Out(8), "write": In(1)})

    def elaborate(self, platform):
        m = Module()
        m.submodules.inner = inner = memory.Memory(shape=8, depth=16, init=self._init)
        port, write = inner.read_port(), inner.write_port()
        m.d.comb += [
            port.addr.eq(self.addr),
            self.data.eq(port.data),
            write.addr.eq(self.addr),
            write.en.eq(self.write),
            write.data.eq(self.addr),
        ]
        return m


class Nested(wiring.Component):
    """Two submodules whose names fall together once they are plain."""

    def __init__(self):
        super().__init__({"addr": In(4), "first": Out(8), "second": Out(8), "write": In(1)})

    def elaborate(self, platform):
        m = Module()
        m.submodules["x.y"] = first = Rom([1])
        m.submodules["x_y"] = second = Rom([2])
        for rom, out in ((first, self.first), (second, self.second)):
            m.d.comb += [rom.addr.eq(self.addr), rom.write.eq(self.write), out.eq(rom.data)]
        return m


def emitted_by_command(tmp_path, name, hash_seed, *options):
    path = tmp_path / name
    subprocess.run(
        [sys.executable, "-m", "ttpoe.verilog.emit", *options, "-o", path],
        check=True,
        cwd=tmp_path,
        env=dict(os.environ, PYTHONHASHSEED=hash_seed, PYTHONPATH=str(ROOT / "rtl")),
    )
    return path.read_bytes()


@pytest.mark.parametrize("name", CASES)
def test_same_bytes_in_every_process(tmp_path, name):
    first = emitted_by_command(tmp_path, "new/first.v", "1", "--preset", name)
    second = emitted_by_command(tmp_path, "new/second.v", "4242", "--preset", name)
    assert first == second
    assert sorted(os.listdir(tmp_path / "new")) == ["first.v", "second.v"], "no part of a file"


def test_override_changes_the_verilog_and_its_header(tmp_path):
    text = emitted_by_command(
        tmp_path,
        "wide.v",
        "0",
        "--preset",
        "tiny",
        "--width",
        "128",
        "--slots",
        "32",
        "--name",
        "wide",
        "--module",
        "my_nic",
    ).decode()
    assert set(re.findall(r"^module (my_nic)?", text, re.MULTILINE)) == {"my_nic"}
    header = text[: text.index("module")]
    for line in (
        "'wide'",
        "width_bits = 128",
        "slots = 32",
        "sets = 4",
        "8 links, 32 replay slots",
        "oui = 0x98ED5C",
    ):
        assert line in header, line
    assert "input [127:0] s_mac_rx_tdata;" in text
    assert "output [15:0] m_mac_tx_tkeep;" in text
    assert "output [5:0] free_slots;" in text


def test_no_path_no_date_no_attribute_but_the_kind_of_ram():
    text = emitted("engine", PRESETS["tiny"])
    assert str(ROOT) not in text and ".py" not in text
    assert set(re.findall(r"\(\*.*?\*\)|\(\*.*", text)) == {
        f'(* ram_style = "{style}" *)' for style in ("block", "distributed")
    }
    assert not re.search(r"20\d\d-\d\d", text)


def test_module_names_are_plain_and_carry_the_prefix():
    text = emitted("engine", PRESETS["tiny"])
    names = re.findall(r"^module (\S+)\(", text, re.MULTILINE)
    assert len(names) == len(set(names)) > 10
    assert "ttp_engine" in names
    assert all(re.fullmatch(r"ttp_engine(_\w+)?", name) for name in names), names


def test_names_that_fall_together_are_told_apart():
    text = emit.emit_verilog(Nested(), "top")
    names = re.findall(r"^module (\S+)\(", text, re.MULTILINE)
    assert sorted(names) == ["top", "top_x_y", "top_x_y_2"]
    instances = re.findall(r"^  (top_\w+) ", text, re.MULTILINE)
    assert sorted(instances) == sorted(set(names) - {"top"})


def test_memory_contents_only_where_there_are_any():
    empty, full = emit.emit_verilog(Rom([]), "rom"), emit.emit_verilog(Rom([0, 0x5A]), "rom")
    assert "reg [7:0] inner [15:0];" in empty or "reg [7:0] mem [15:0];" in empty
    assert "initial" not in empty
    assert "initial" in full and "8'h5a" in full


def test_emission_leaves_amaranth_as_it_was():
    from amaranth.back import rtlil

    before = rtlil.ModuleEmitter.emit_memory
    emit.emit_verilog(Rom([]), "rom")
    assert rtlil.ModuleEmitter.emit_memory is before


def test_a_yosys_on_path_is_not_used(tmp_path, monkeypatch):
    fake = tmp_path / "yosys"
    fake.write_text("#!/bin/sh\nexit 7\n")
    fake.chmod(0o755)
    expected = emit.emit_verilog(Rom([]), "rom")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("AMARANTH_USE_YOSYS", "system")
    assert emit.emit_verilog(Rom([]), "rom") == expected


def ports_of(top, config):
    return {
        key: width
        for key, (_direction, width) in parse_ports(emitted(top, config), f"ttp_{top}").items()
    }


@pytest.mark.parametrize("name", CASES)
def test_ports_of_the_nic(name):
    """The engine's, and the OS's."""
    from ttpoe.nic.os_path import STATS

    config = PRESETS[name]
    beat = {
        "tdata": config.width_bits,
        "tkeep": config.width_bytes,
        "tlast": 1,
        "tvalid": 1,
        "tready": 1,
    }
    expected = dict.fromkeys((*STATS, "cfg_os_enable"), 1)
    expected |= {f"m_os_rx_{part}": bits for part, bits in beat.items()}
    expected |= {f"s_os_tx_{part}": bits for part, bits in (beat | {"tuser": 1}).items()}
    nic, engine = ports_of("nic", config), ports_of("engine", config)
    assert nic == engine | expected and not set(engine) & set(expected)


def test_ports_of_the_managed_nic():
    """The NIC's, with AXI4-Lite instead of configuration, commands and notices."""
    config = PRESETS["tiny"]
    nic, managed = ports_of("nic", config), ports_of("managed_nic", config)
    axil = {name for name in managed if name.startswith("s_axil_")}
    assert len(axil) == 19 and managed["s_axil_wdata"] == 32
    assert set(managed) - set(nic) == axil | {"node", "open_id_seed", "irq"}
    gone = set(nic) - set(managed)
    assert gone == {name for name in nic if name.startswith(("cfg_", "s_cmd_", "m_notice_"))}


@long
def test_the_nic_by_the_command_line(tmp_path):
    text = emitted_by_command(tmp_path, "nic.v", "0", "--preset", "tiny", "--top", "nic").decode()
    assert text.startswith("// TTP NIC") and "\nmodule ttp_nic(" in text
    assert "//   os_buffer_bytes = 4096" in text


@pytest.mark.parametrize("name", CASES)
def test_ports_of_the_top(name):
    config = PRESETS[name]
    ports = ports_of("engine", config)
    width, lanes = config.width_bits, config.width_bits // 8
    expected = {
        "s_mac_rx_tdata": width,
        "s_mac_rx_tkeep": lanes,
        "s_mac_rx_tlast": 1,
        "s_mac_rx_tuser": 1,
        "s_mac_rx_tvalid": 1,
        "m_mac_tx_tdata": width,
        "m_mac_tx_tkeep": lanes,
        "m_mac_tx_tlast": 1,
        "m_mac_tx_tvalid": 1,
        "m_mac_tx_tready": 1,
        "s_cmd_tdata": 27,
        "s_cmd_tvalid": 1,
        "s_cmd_tready": 1,
        "m_notice_tdata": 29,
        "m_notice_tvalid": 1,
        "cfg_enable": 1,
        "cfg_congestion": 1,
        "cfg_node": 24,
        "cfg_ieee": 1,
        "cfg_init_id": 32,
        "cfg_fixed_open_id": 1,
        "cfg_open_id_seed": 32,
        "cfg_timer_tick": 24,
        "cfg_max_retry": 10,
        "cfg_idle_limit": 10,
        "cfg_link_slots": config.count_bits,
        "cfg_selective": 1,
        "ready": 1,
        "free_slots": config.count_bits,
        "trace_valid": 1,
        "clk": 1,
        "rst": 1,
    }
    for vc in range(3):
        beat = {"tdata": width, "tkeep": lanes, "tlast": 1, "tvalid": 1, "tready": 1}
        expected |= {f"s_host_tx{vc}_{part}": bits for part, bits in (beat | {"tdest": 24}).items()}
        expected |= {f"m_host_rx{vc}_{part}": bits for part, bits in (beat | {"tuser": 56}).items()}
    expected |= {f"trace_{leaf}": bits for leaf, _path, bits in flat_fields(trace_layout(config))}
    expected |= {f"law_{leaf}": bits for leaf, _path, bits in flat_fields(law_layout(config))}
    expected |= {"law_valid": 1}
    stats = {key for key in ports if key.startswith("stat_")}
    assert {key: ports[key] for key in set(ports) - stats} == expected
    from ttpoe.stats import STATS

    assert stats == set(STATS)
