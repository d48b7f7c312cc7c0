"""`ttpoe generate`: what it writes, that every port has its words, what it says to bad input."""

import dataclasses
import importlib.util
import json
import os
import re
import subprocess
from pathlib import Path

import pytest

import ttpverif.cli as cli
from tests.emitted import emitted
from tests.long import long
from ttpoe.config import PRESETS, Config, ConfigError
from ttpoe.csr.documents import c_header, systemrdl
from ttpoe.verilog import generate
from ttpoe.verilog.ports import Port
from ttpverif.bench.pair import parse_ports
from ttpverif.cli.generate import PARAMETERS


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The folder of the managed NIC `tiny`."""
    folder = tmp_path_factory.mktemp("generate") / "new" / "nic"
    assert (
        cli.main(["generate", "--preset", "tiny", "--top", "managed_nic", "-o", str(folder)]) == 0
    )
    return folder


def test_files(made):
    assert sorted(os.listdir(made)) == sorted(
        [
            "ttp_managed_nic.v",
            "ttp_managed_nic.vlt",
            "ttp_managed_nic.core",
            "ttp_managed_nic_instance.vh",
            "ttp_managed_nic_ports.md",
            "ttp_managed_nic_ports.json",
            "ttp_registers.h",
            "ttp_registers.rdl",
            "ttp_registers.md",
        ]
    )
    config = PRESETS["tiny"]
    for name, text in (
        ("ttp_managed_nic.v", emitted("managed_nic", config)),
        ("ttp_registers.h", c_header(config)),
        ("ttp_registers.rdl", systemrdl(config)),
    ):
        assert (made / name).read_text() == text


def test_only_the_managed_nic_has_registers(tmp_path, capsys):
    assert (
        cli.main(
            [
                "generate",
                "--preset",
                "tiny",
                "--top",
                "engine",
                "--module",
                "mine",
                "-o",
                str(tmp_path),
            ]
        )
        == 0
    )
    names = sorted(os.listdir(tmp_path))
    assert names == [
        "mine.core",
        "mine.v",
        "mine.vlt",
        "mine_instance.vh",
        "mine_ports.json",
        "mine_ports.md",
    ]
    assert capsys.readouterr().out.splitlines() == [
        str(tmp_path / name)
        for name in (
            "mine.v",
            "mine.vlt",
            "mine.core",
            "mine_instance.vh",
            "mine_ports.md",
            "mine_ports.json",
        )
    ]
    assert "\nmodule mine(" in (tmp_path / "mine.v").read_text()
    assert "mine mine_0 (" in (tmp_path / "mine_instance.vh").read_text()


def test_the_list_is_that_of_the_verilog(made):
    listed = json.loads((made / "ttp_managed_nic_ports.json").read_text())
    assert listed["module"] == "ttp_managed_nic" and listed["links"] == 8
    assert listed["configuration"] == dataclasses.asdict(PRESETS["tiny"])
    assert set(listed["ports"][0]) == {field.name for field in dataclasses.fields(Port)}
    real = parse_ports((made / "ttp_managed_nic.v").read_text(), "ttp_managed_nic")
    assert {port["name"]: (port["direction"], port["width"]) for port in listed["ports"]} == real
    template = (made / "ttp_managed_nic_instance.vh").read_text()
    assert re.findall(r"^    \.(\w+)\(\1\),?$", template, re.MULTILINE) == [
        port["name"] for port in listed["ports"]
    ]


BENCH = """\
module bench;
  reg clk = 0, rst = 1;
  always #5 clk = ~clk;
`include "ttp_managed_nic_instance.vh"
  integer sent = 0;
  always @(posedge clk) if (m_mac_tx_tvalid !== 0) sent = sent + 1;
  initial begin
    repeat (4) @(negedge clk);
    rst = 0; sent = 0;
    repeat (400) @(negedge clk);
    $display("ready %b free %0d sent %0d irq %b", ready, free_slots, sent, irq);
    $finish;
  end
endmodule
"""


@pytest.mark.icarus
def test_the_template_comes_up(made, tmp_path):
    """Included as it is, with nothing connected: it compiles, gets ready and says nothing."""
    (tmp_path / "bench.v").write_text(BENCH)
    build = subprocess.run(
        [
            "iverilog",
            "-g2005",
            "-Wall",
            "-Wno-timescale",
            f"-I{made}",
            "-s",
            "bench",
            "-o",
            "bench.vvp",
            "bench.v",
            made / "ttp_managed_nic.v",
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert (build.returncode, build.stderr) == (0, "")
    run = subprocess.run(["vvp", "bench.vvp"], cwd=tmp_path, capture_output=True, text=True)
    assert "ready 1 free 16 sent 0 irq 0" in run.stdout, run.stdout + run.stderr


def test_the_waivers_are_for_this_file_only(made):
    """A user's own code must keep its warnings."""
    lines = (made / "ttp_managed_nic.vlt").read_text().splitlines()
    rules = [line for line in lines if line.startswith("lint_off")]
    assert len(rules) > 4
    assert all(line.endswith(' -file "*ttp_managed_nic.v"') for line in rules)


@long
def test_same_bytes_again(made):
    config = PRESETS["tiny"]
    again = generate.package("managed_nic", config)
    assert {name: (made / name).read_text() for name in again} == again


@pytest.mark.parametrize(
    "preset, changes, links, expected",
    [
        ("full", {}, None, PRESETS["full"]),
        ("full", {"width_bits": 512}, 1536, PRESETS["full"]),
        (
            "full",
            {"width_bits": 256},
            768,
            PRESETS["full"].replace(width_bits=256, sets=128, name="custom"),
        ),
        (
            "default",
            {"vc_tables": 3, "name": "mine"},
            24,
            PRESETS["default"].replace(vc_tables=3, sets=4, name="mine"),
        ),
        ("tiny", {}, 32768, PRESETS["tiny"].replace(sets=16384, name="custom")),
    ],
)
def test_configuration(preset, changes, links, expected):
    got = generate.configuration(preset, changes, links)
    assert got == expected and (links is None or got.links == links)


@pytest.mark.parametrize("tables", [1, 3])
def test_every_number_of_links_that_is_possible(tables):
    possible = {2 * tables * sets: sets for sets in (1 << power for power in range(1, 15))}
    for links in (*range(-2, 2000), *possible, 98305, 196608):
        if links in possible:
            assert generate.sets_for_links(links, tables) == possible[links]
            assert Config(sets=possible[links], vc_tables=tables).links == links
        else:
            with pytest.raises(ConfigError, match=f"got {links}, possible: "):
                generate.sets_for_links(links, tables)


def test_parameters_are_those_of_the_configuration():
    assert [*PARAMETERS] == [
        field.name for field in dataclasses.fields(Config) if field.name != "name"
    ]


@pytest.mark.parametrize(
    "arguments, parts",
    [
        (["--links", "1000", "--preset", "full"], ["links must be", "got 1000", "768 or 1536"]),
        (["--links", "1536"], ["got 1536", "1024 or 2048", "or 1536 with --vc-tables 3"]),
        (["--links", "0"], ["got 0", "possible: 4"]),
        (["--links", "many"], ["--links", "'many'"]),
        (["--links", "128", "--sets", "64"], ["--links or --sets, not both"]),
        (["--width", "96"], ["width_bits must be 64, 128, 256 or 512", "96"]),
        (["--preset", "huge"], ["--preset", "tiny, default or full", "'huge'"]),
        (["--top", "switch"], ["--top", "'switch'", "managed_nic"]),
        (["--module", "2nd"], ["--module", "'2nd'"]),
        (["--module", "wire"], ["keyword", "'wire'", "wire_managed_nic"]),
        (["--module", "always_ff"], ["keyword", "'always_ff'"]),
        (["--slots", "ten"], ["--slots", "whole number", "'ten'"]),
        (["--links", "1.5"], ["--links", "whole number", "'1.5'"]),
        (["--vc-tables", "2", "--links", "8"], ["vc_tables must be 1 or 3", "2"]),
        (["--colour"], ["--colour", "ttpoe"]),
        (["-o", "/dev/null/x"], ["cannot write /dev/null"]),
        (["-o", ""], ["--output", "must be a path"]),
    ],
)
def test_bad_input_is_one_line(tmp_path, capsys, arguments, parts):
    output = [] if "-o" in arguments else ["-o", str(tmp_path / "none")]
    assert cli.main(["generate", *arguments, *output]) == 2
    out, error = capsys.readouterr()
    assert out == "" and error.count("\n") == 1 and error.startswith("ttpoe")
    for part in parts:
        assert part in error, error
    assert not Path(tmp_path / "none").exists()


@pytest.mark.parametrize("verb", ["emit", "generate"])
@pytest.mark.parametrize("place", ["/dev/null/x", "/proc/x", "{taken}"])
def test_what_cannot_be_written_is_refused_before_the_work(
    tmp_path, monkeypatch, capsys, verb, place
):
    def works(*_arguments, **_port):
        raise AssertionError("the Verilog is made first")

    monkeypatch.setattr("ttpoe.verilog.emit.top_verilog", works)
    monkeypatch.setattr("ttpoe.verilog.generate.package", works)
    taken = tmp_path if verb == "emit" else tmp_path / "file"
    if verb == "generate":
        taken.touch()
    path = place.format(taken=taken)
    assert cli.main([verb, "-o", path]) == 2
    out, error = capsys.readouterr()
    assert out == "" and error.count("\n") == 1 and f"cannot write {path}" in error
    assert [*tmp_path.iterdir()] == ([] if verb == "emit" else [taken])


@pytest.mark.skipif(importlib.util.find_spec("pygments") is None, reason="Pygments is missing")
def test_keywords_are_those_that_others_know():
    from pygments.lexers.hdl import SystemVerilogLexer, VerilogLexer
    from pygments.token import Keyword

    from ttpoe.verilog.keywords import KEYWORDS

    known = set()
    for lexer in (SystemVerilogLexer, VerilogLexer):
        for pattern, kind, *_rest in (
            entry for entry in lexer.tokens["root"] if isinstance(entry, tuple)
        ):
            if kind in Keyword and hasattr(pattern, "words"):
                known.update(pattern.words)
    assert len(known) > 200 and known - {"strength"} <= KEYWORDS  # that one is none
    assert len(KEYWORDS) == 248  # as table B.1 of IEEE 1800-2017 has


def test_output_is_asked_for(capsys):
    assert cli.main(["generate"]) == 2
    assert "--output" in capsys.readouterr().err
