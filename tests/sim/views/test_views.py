"""The saved views of a waveform, and the pictures made from one."""

import os
import re
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from tests.long import long, long_case
from tests.ttpoe_process import refused, ttpoe
from ttpoe.config import preset
from ttpsim.build import builds
from ttpsim.views import gtkwave, save_views, surfer, waves
from ttpsim.views.content import GROUPS, NUMBERS, Line
from ttpsim.views.dump import Dump, MissingSignal
from ttpsim.views.names import KINDS, names_of
from ttpsim.views.timing import Lane, diagram, svg
from ttpverif.check import trace

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(("icarus", "engine"), marks=pytest.mark.icarus),
        pytest.param(("icarus", "nic"), marks=pytest.mark.icarus),
        long_case(("verilator", "engine")),
        long_case(("verilator", "engine", "ipv4")),
    ],
    ids="-".join,
)
def waveform(request, tmp_path_factory):
    """The waveform of one open, one payload, one close."""
    simulator, top, *form = request.param
    folder, processes = tmp_path_factory.mktemp("run"), builds.Processes()
    config = preset("tiny")
    if form:
        config = config.replace(name="tiny_ipv4", encapsulation="ipv4")
    core = builds.emitted(config, processes, top)
    build = builds.compile_pair(simulator, core, config.name, True, processes, top)
    code = builds.simulate(build, "ttpsim.scenarios.hello", folder, 1, {}, processes, config)
    assert code == 0, (folder / "log.txt").read_text()
    save_views(build.waves_file(folder))
    return build.waves_file(folder)


def known_to_gtkwave(waveform):
    """Every signal's name: as GTKWave itself tells them, where it is installed."""
    if shutil.which("gtkwave") and shutil.which("xvfb-run"):
        script, names = waveform.parent / "names.tcl", waveform.parent / "all.txt"
        script.write_text(
            f"set f [open {names} w]\nset n [gtkwave::getNumFacs]\n"
            "for {set i 0} {$i < $n} {incr i} { puts $f [gtkwave::getFacName $i] }\n"
            "close $f\ngtkwave::/File/Quit\n"
        )
        subprocess.run(
            ["xvfb-run", "-a", "gtkwave", "-S", script, waveform],
            timeout=60,
            capture_output=True,
            check=True,
        )
        return set(names.read_text().split())
    known = set()
    for variable in Dump(waveform)._variables.values():
        own = variable.name.replace("\\", "")
        scope = variable.full_name.replace("\\", "").removesuffix(own)
        width = variable.bitwidth or 1
        known.add(scope + "\\" * ("." in own) + own + (f"[{width - 1}:0]" if width > 1 else ""))
    return known


def test_gtkwave_finds_every_signal_of_its_view(waveform):
    text = waveform.with_suffix(".gtkw").read_text()
    known = known_to_gtkwave(waveform)
    shown = re.findall(r"^\+\{[^}]+\} (\S+)$", text, re.MULTILINE)
    knows_ipv4 = "pair.a_stat_rx_marked" in Dump(waveform)
    lines = [line for _title, lines in GROUPS for line in lines if knows_ipv4 or not line.if_built]
    assert len(shown) == 1 + 2 * len(lines)
    assert not [name for name in shown if name not in known]
    filters = set(re.findall(r"^\^1 (\S+)$", text, re.MULTILINE))
    assert filters == {gtkwave.filter_name(kind) for kind in KINDS}
    for name in filters:
        assert (waveform.parent / name).read_text()
    assert text.count("\n-a: ") == text.count("\n-b: ") == 2 * len(GROUPS)


def test_surfer_finds_every_signal_of_its_view(waveform):
    scopes, text = set(), waveform.with_suffix(".sucl").read_text()
    dump = Dump(waveform)
    for variable in dump._variables.values():
        if "." not in variable.name:
            scopes.add(variable.full_name)
    shown = re.findall(r"^variable_add (\S+)$", text, re.MULTILINE)
    assert len(shown) > 100 and not [name for name in shown if name not in scopes]
    mappings = waveform.parent.parent / ".surfer" / "mappings"
    for name in set(re.findall(r"^item_set_format (ttp_\S+)$", text, re.MULTILINE)):
        assert (mappings / name).read_text().startswith(f"Name = {name}\nBits = ")
    assert not re.search(r"^divider_add \S+ ", text, re.MULTILINE), "names of one word only"


def test_widths_are_those_of_the_names(waveform):
    for _title, lines in Dump(waveform).view():
        for shown in lines:
            if shown.line.kind not in NUMBERS:
                assert shown.width == names_of(shown.line.kind)[0], shown.name


def test_the_waveform_says_what_happened(waveform):
    dump = Dump(waveform)
    state = dump.sampler("pair.a_last_new_state")
    # With the events: before the reset it is anything, and may be what the first one leaves.
    states = {
        names_of("state")[1][state(time)]
        for time, event in dump.changes("pair.a_last_event")
        if isinstance(event, int) and time
    }
    assert {"OPEN_SENT", "OPEN", "CLOSE_SENT", "CLOSED"} <= states
    first_frame = dump.first("pair.a_m_mac_tx_tvalid")
    assert 0 < first_frame == dump.moment()
    valid = dump.sampler("pair.a_m_mac_tx_tvalid")
    assert (valid(first_frame - 1), valid(first_frame)) == (0, 1)


def test_a_missing_signal_is_an_error(waveform, monkeypatch, capsys):
    GROUPS[0][1].append(Line("gone", "@pipeline.gone"))
    try:
        with pytest.raises(MissingSignal, match=r"no signal pair\.a\..*pipeline\.gone"):
            Dump(waveform).view()
        save_views(waveform)
        assert "no view: " in capsys.readouterr().out
    finally:
        GROUPS[0][1].pop()


def test_diagram_shows_bits_and_names(waveform):
    dump = Dump(waveform)
    first = dump.sampler("pair.cycle")(dump.first("pair.a_trace_valid")) + 1
    source = diagram(
        dump,
        "first event",
        [
            (
                "Q3",
                "a",
                [
                    Lane("valid", "pair.{x}_trace_valid"),
                    Lane(
                        "event", "pair.{x}_trace_event", "event", "pair.{x}_trace_valid", "yellow"
                    ),
                    Lane(
                        "link", "", [("#", "pair.{x}_trace_lid", "number")], "pair.{x}_trace_valid"
                    ),
                ],
            )
        ],
        first - 1,
        first + 1,
    )
    name, valid, event, link = source["signal"][0]
    assert name == "Q3" and source["head"]["tick"] == first - 1
    assert valid["wave"] == "010" and event["wave"] == "z3z" and link["wave"] == "z=z"
    assert event["data"][0] in names_of("event")[1].values() and link["data"][0][0] == "#"
    assert event["data"][0] in svg(source)


def test_filters_have_every_value():
    known = {
        "event": trace.EVENTS,
        "state": trace.STATES,
        "action": trace.ACTIONS,
        "opcode": trace.OPCODES,
        "notice": trace.NOTICES,
        "result": trace.RESULTS,
    }
    for kind in KINDS:
        width, names = names_of(kind)
        if kind in known:
            assert tuple(names[value] for value in range(len(names))) == known[kind]
        lines = [line.split() for line in gtkwave.filter_text(kind).splitlines()]
        assert {int(value, 16): name for value, name in lines} == names
        assert {len(value) for value, _name in lines} == {-(-width // 4)}
        head, bits, *mapping = surfer.mapping_text(kind).splitlines()
        assert (head, bits) == (f"Name = ttp_{kind}", f"Bits = {width}")
        assert {int(line.split()[0]): line.split()[1] for line in mapping} == names
    assert set(known) | {"replayer", "lookup"} == set(KINDS)
    assert names_of("replayer")[1][0] == "IDLE"


def test_how_to_open_it_is_said_in_a_line(tmp_path):
    waveform, tools = tmp_path / "run" / "waves.fst", tmp_path / "tools"
    waveform.parent.mkdir()
    tools.mkdir()
    said = waves.show("gtkwave", waveform, {"PATH": str(tools)})
    assert said.startswith("gtkwave is missing (apt-get install gtkwave)")
    for viewer in ("gtkwave", "surfer"):
        tool = tools / viewer
        tool.write_text('#!/bin/sh\necho "$PWD $0 $*" >"$(dirname $0)/started"\n')
        tool.chmod(0o755)
    said = waves.show("gtkwave", waveform, {"PATH": str(tools)})
    assert "no display" in said and said.endswith("gtkwave waves.fst waves.gtkw")
    said = waves.show("surfer", waveform, {"PATH": str(tools)})
    assert said.endswith(
        f"cd {os.path.relpath(tmp_path)} && surfer -c run/waves.sucl run/waves.fst"
    )
    env = {"PATH": f"{tools}:{os.environ['PATH']}", "DISPLAY": ":9"}
    assert waves.show("surfer", waveform, env) is None
    for _ in range(100):
        if (tools / "started").exists() and (tools / "started").read_text():
            break
        time.sleep(0.05)
    assert (tools / "started").read_text().split()[2:] == ["-c", "run/waves.sucl", "run/waves.fst"]


@pytest.mark.parametrize(
    "words, said",
    [
        ([], "required: TEST"),
        (["nothing"], "TEST must be one of"),
        (["hello", "--viewer", "vim"], "must be gtkwave or surfer; got 'vim'"),
    ],
)
def test_bad_input_is_one_line(words, said):
    assert said in refused("waves", *words)


@long
@pytest.mark.icarus
def test_pictures_are_up_to_date():
    run = ttpoe("pages", "pictures", "--check")
    assert run.returncode == 0, run.stderr

    # The page's sentences are compared, too: every number in them is of this run.
    from ttpsim.pages import pictures
    from ttpsim.pages.walk_claims import claims, missing

    dump = Dump(next(pictures.RUN.glob("waves.*")))
    page = (ROOT / "docs" / "start" / "walk-through.md").read_text()
    assert len(claims(dump)) == 13 and not missing(dump, page)
    for before, after in (
        ("(IDs 2 to 9)", "(IDs 2 to 8)"),
        ("Fifteen clocks", "Seven clocks"),
        ("slot 3, packet 5", "slot 2, packet 5"),
        ("with one `RETIRE`", "with two `RETIRE`"),
    ):
        assert before in page and len(missing(dump, page.replace(before, after))) == 1
