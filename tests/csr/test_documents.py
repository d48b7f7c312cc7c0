"""The map as data, and everything that is generated from it."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from systemrdl import RDLCompiler
from systemrdl.node import FieldNode, RegNode

from ttpoe.config import PRESETS, preset
from ttpoe.csr.documents import c_header, main, markdown, page, systemrdl
from ttpoe.csr.registers import COUNTERS, INTERRUPTS, PULSES, register_map
from ttpoe.csr.shapes import Access
from ttpoe.engine import Engine
from ttpoe.layouts import Notice
from ttpoe.mac.kinds import KINDS
from ttpoe.nic.managed import ManagedNic
from ttpoe.verilog.top import EngineTop

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("name", PRESETS)
def test_the_map_is_sound(name):
    registers = register_map(preset(name)).registers
    addresses = [register.address for register in registers]
    assert addresses == sorted(set(addresses))
    assert all(address % 4 == 0 and address < 1 << 16 for address in addresses)
    assert len({register.name for register in registers}) == len(registers)
    for register in registers:
        assert register.fields and register.name.isidentifier() and register.name.isupper()
        taken = 0
        for field in register.fields:
            assert field.mask & taken == 0 and field.mask < 1 << 32 and field.width > 0
            taken |= field.mask
            assert field.reset is None or 0 <= field.reset < 1 << field.width
            assert field.meaning.endswith(".") and register.meaning.endswith(".")
            assert field.access is not Access.W1C or field.clears


def test_counters_and_interrupts_are_numbered_as_documented():
    counters = register_map(preset("tiny")).counters
    assert [register.address for register in counters] == [
        0x400 + 4 * position for position in range(len(PULSES) + 1)
    ]
    assert [register.name for register in counters] == ["COUNT_NOTICE_LOST"] + [
        "COUNT_" + name.removeprefix("stat_").upper() for name in PULSES
    ]
    assert len({name.removeprefix("stat_") for name in COUNTERS}) == len(COUNTERS)
    assert list(INTERRUPTS)[: len(Notice)] == [kind.name.lower() for kind in Notice]
    assert [kind.value for kind in Notice] == list(range(7))


@pytest.mark.parametrize("name", PRESETS)
def test_outputs_are_the_engines_inputs(name):
    from ttpoe.csr.block import Csr

    config = preset(name)
    csr, engine = Csr(config).signature.members, Engine(config).signature.members
    outputs = {name: member.shape for name, member in csr.items() if name.startswith("cfg_")}
    assert outputs.pop("cfg_os_enable") == 1  # the OS path's
    assert outputs == {
        name: member.shape for name, member in engine.items() if name.startswith("cfg_")
    }
    assert {name for name in csr if name.startswith("stat_")} == set(PULSES)


def test_the_page_is_up_to_date():
    assert (ROOT / "docs/reference/registers.md").read_text() == page(preset("default")), (
        "run `ttpoe pages registers`"
    )


def test_the_page_holds_every_register_and_field():
    text = markdown(preset("default"))
    for register in register_map(preset("default")).registers:
        assert f"| 0x{register.address:03X} | {register.name} |" in text
        for field in register.fields:
            assert f"| `{field.name}` | {field.access.value} |" in text
    assert "None" not in text


@pytest.mark.parametrize("mac", KINDS)
def test_the_page_holds_what_a_mac_adds(mac):
    """Each field says which kinds have it; each counter its address there."""
    config = preset("default")
    text = page(config)
    assert text.startswith(markdown(config))
    plain = {register.name for register in register_map(config).registers}
    name = ""
    rows = [re.split(r" *\| *", line)[1:-1] for line in text.splitlines() if line[:1] == "|"]
    added = {}
    for row in rows[rows.index(["---"] * 8) + 1 :]:
        if len(row) == 8:
            name = row[1] or name
            added[name, row[3].strip("`")] = row
        elif row[0].startswith("COUNT_MAC"):
            added[row[0]] = row
    column = 1 + list(KINDS).index(mac)
    for register in register_map(config, mac).registers:
        if register.name.startswith("COUNT_MAC"):
            assert added[register.name][column] == f"0x{register.address:03X}"
        elif register.name not in plain:
            for field in register.fields:
                row = added[register.name, field.name]
                assert f"`{mac}`" in row[6] and row[4] == field.access.value


@pytest.mark.parametrize("mac", KINDS)
def test_the_other_documents_with_a_mac(tmp_path, mac):
    """Both hold every register of that map; SystemRDL compiles."""
    config = preset("tiny")
    (tmp_path / "map.rdl").write_text(systemrdl(config, mac))
    compiler = RDLCompiler()
    compiler.compile_file(str(tmp_path / "map.rdl"))
    found = [node for node in compiler.elaborate().top.children() if isinstance(node, RegNode)]
    registers = register_map(config, mac).registers
    assert [(node.inst_name, node.absolute_address) for node in found] == [
        (register.name, register.address) for register in registers
    ]
    header = c_header(config, mac)
    for register in registers:
        assert f"#define TTP_{register.name} UINT32_C(0x{register.address:04X})" in header


def test_ports_have_the_names_that_they_have_in_verilog():
    """Amaranth's `i_node` is `node` in Verilog, `o_interrupt` is `irq`."""
    config = preset("default")
    ports = set(EngineTop(ManagedNic(config)).signature.members)
    for text in (markdown(config), c_header(config), systemrdl(config)):
        assert not re.findall(r"\b[io]_(?:node|open_id_seed|interrupt)\b", text)
    named = set(re.findall(r"\| rw \| `(\w+)` \|", markdown(config)))
    assert "raises `irq`." in markdown(config)
    assert named == {"node", "open_id_seed"} and named | {"irq"} <= ports


@pytest.mark.parametrize("name", PRESETS)
def test_the_c_header_compiles_and_says_the_same(tmp_path, name):
    assert shutil.which("gcc"), "gcc is needed"
    config = preset(name)
    header = c_header(config)
    (tmp_path / "ttp_registers.h").write_text(header)
    macros = re.findall(r"^#define (TTP_\w+) ", header, re.MULTILINE)
    assert len(set(macros)) == len(macros)
    lines = "".join(f'    printf("{macro} %lu\\n", (unsigned long){macro});\n' for macro in macros)
    (tmp_path / "main.c").write_text(
        '#include "ttp_registers.h"\n#include "ttp_registers.h"\n#include <stdio.h>\n'
        '_Static_assert(TTP_GET(0x00530000u, TTP_LINK_EPOCHS_PEER) == 0x53, "get");\n'
        "_Static_assert(TTP_PUT(0xFFFFFFFFu, TTP_LINK_EPOCHS_PEER, 0x15678) == 0x5678FFFFu,"
        ' "put");\n'
        "int main(void) {\n" + lines + "    return 0;\n}\n"
    )
    subprocess.run(
        ["gcc", "-Wall", "-Wextra", "-Werror", "-std=c11", "-o", "main", "main.c"],
        cwd=tmp_path,
        check=True,
    )
    output = subprocess.run([tmp_path / "main"], capture_output=True, text=True, check=True)
    values = {
        macro: int(value) for macro, value in (line.split() for line in output.stdout.splitlines())
    }
    for register in register_map(config).registers:
        stem = f"TTP_{register.name}"
        assert values.pop(stem) == register.address
        for field in register.fields:
            prefix = f"{stem}_{field.name.upper()}"
            assert values.pop(f"{prefix}_LSB") == field.lsb
            assert values.pop(f"{prefix}_MASK") == field.mask
            if field.reset is not None and field.access is not Access.WO:
                assert values.pop(f"{prefix}_RESET") == field.reset
    assert not values


@pytest.mark.parametrize("name", PRESETS)
def test_systemrdl_compiles_and_says_the_same(tmp_path, name):
    config = preset(name)
    (tmp_path / "map.rdl").write_text(systemrdl(config))
    compiler = RDLCompiler()
    compiler.compile_file(str(tmp_path / "map.rdl"))
    top = compiler.elaborate().top
    nodes = {node.inst_name: node for node in top.children() if isinstance(node, RegNode)}
    registers = register_map(config).registers
    assert list(nodes) == [register.name for register in registers]
    kinds = {Access.RO: "r", Access.RW: "rw", Access.W1C: "rw", Access.WO: "w", Access.WCLR: "rw"}
    on_write = {Access.W1C: "woclr", Access.WCLR: "wclr"}
    for register in registers:
        node = nodes[register.name]
        assert node.absolute_address == register.address
        fields = {
            field.inst_name: field for field in node.children() if isinstance(field, FieldNode)
        }
        assert set(fields) == {field.name for field in register.fields}
        for field in register.fields:
            rdl = fields[field.name]
            assert (rdl.lsb, rdl.width) == (field.lsb, field.width)
            assert rdl.get_property("sw").name == kinds[field.access]
            expected = None if field.access is Access.WO else field.reset
            assert rdl.get_property("reset") == expected
            effect = rdl.get_property("onwrite")
            assert (effect.name if effect else None) == on_write.get(field.access)
            assert rdl.get_property("desc") == field.meaning


def test_the_command_line(tmp_path, capsys):
    folder, written = tmp_path / "new" / "registers", tmp_path / "registers.md"
    assert main(["--preset", "tiny", "--output", str(folder), "--docs", str(written)]) == 0
    assert (folder / "ttp_registers.h").read_text() == c_header(preset("tiny"))
    assert (folder / "ttp_registers.rdl").read_text() == systemrdl(preset("tiny"))
    assert written.read_text() == page(preset("tiny"))
    capsys.readouterr()
    assert main(["--preset", "huge"]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and "preset must be one of" in error
