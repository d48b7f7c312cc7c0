"""`ttpoe demo`, shortened: a second or two of it, on the simulator that starts at once."""

import io
import json
import signal
import subprocess
import time

import pytest
from rich.console import Console

from tests.ttpoe_process import ROOT, environment, line, refused
from ttpsim.demo import picture
from ttpsim.demo.display import Display, bar, duration
from ttpsim.demo.samples import Samples, octaves, quantile

FIRST = {
    "cycle": 1000,
    "seconds": 0.5,
    "bytes": [0, 0],
    "frames": 0,
    "lost": 0,
    "replays": 0,
    "kept": 0,
    "slots_used": [0, 0],
    "slots": 16,
    "latency": {},
}
LAST = {
    **FIRST,
    "cycle": 3000,
    "seconds": 1.5,
    "bytes": [4000, 2000],
    "frames": 40,
    "lost": 3,
    "replays": 2,
    "slots_used": [8, 16],
    "latency": {"20": 3, "21": 1, "28": 1},
}


def start(*options):
    return subprocess.Popen(
        line("demo", "--preset", "tiny", *options),
        cwd=ROOT,
        env=environment(),
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


@pytest.mark.icarus
def test_demo(tmp_path):
    run = start(
        "--simulator", "icarus", "--clocks", "8000", "--loss", "10", "--output", str(tmp_path)
    )
    output, errors = run.communicate(timeout=900)
    assert run.returncode == 0, output + errors
    lines = output.splitlines()
    assert "\x1b" not in output and any(" Gbit/s, " in line and " left" in line for line in lines)
    assert any(
        line.endswith("packets were sent again") and "every one delivered" in line for line in lines
    )
    assert (tmp_path / "demo.png").read_bytes().startswith(b"\x89PNG")
    assert "</svg>" in (tmp_path / "demo.svg").read_text()
    samples = [
        json.loads(line)
        for line in (ROOT / "build/sim/runs/demo-icarus-tiny-1/samples.jsonl")
        .read_text()
        .splitlines()
    ]
    last = samples[-1]
    assert len(samples) >= 9 and last["cycle"] > 8000 and last["slots_used"] == [0, 0]
    assert last["lost"] > 0 and last["replays"] > 0 and min(last["bytes"]) > 0
    summary = json.loads((ROOT / "build/sim/runs/demo-icarus-tiny-1/summary.json").read_text())
    assert summary["delivered"] == sum(last["latency"].values()) > 20


@pytest.mark.icarus
def test_ctrl_c_ends_with_a_summary(tmp_path):
    run = start(
        "--simulator", "icarus", "--seconds", "200", "--seed", "2", "--output", str(tmp_path)
    )
    samples = ROOT / "build/sim/runs/demo-icarus-tiny-2/samples.jsonl"
    samples.unlink(missing_ok=True)
    begun = time.monotonic()
    while not samples.exists() or samples.read_text().count("\n") < 4:
        assert time.monotonic() - begun < 600 and run.poll() is None
        time.sleep(0.1)
    run.send_signal(signal.SIGINT)
    output, errors = run.communicate(timeout=600)
    assert run.returncode == 130, output + errors
    assert "stopping: " in output and "every one delivered once, in order" in output
    assert (tmp_path / "demo.png").exists()


@pytest.mark.parametrize(
    "options, said",
    [
        (["--loss", "51"], "--loss: must be from 0 to 50, in percent"),
        (["--seconds", "0"], "--seconds: must be a number from 0.1"),
        (["--clocks", "0"], "--clocks"),
    ],
)
def test_bad_input_is_one_line(options, said):
    assert said in refused("demo", *options)


def test_rates_and_latencies(tmp_path):
    file = tmp_path / "samples.jsonl"
    samples = Samples(file)
    assert not samples.poll() and samples.all == []
    file.write_text(json.dumps(FIRST) + "\n" + json.dumps(LAST)[:20])
    assert samples.poll() and samples.last == FIRST and samples.recent() is None
    file.write_text(json.dumps(FIRST) + "\n" + json.dumps(LAST) + "\n")
    assert samples.poll() and samples.last == LAST and not samples.poll()
    rates = samples.recent()
    assert rates.goodput == (2.0, 1.0)  # 4000 and 2000 bytes in 2000 clocks of 8 ns
    assert (rates.replays, rates.clocks_per_second) == (2, 2000)
    assert octaves(LAST["latency"]) == {32: 4, 64: 0, 128: 1} and octaves({}) == {}
    assert quantile(LAST["latency"], 0.5) == 2 ** (21 / 4)
    assert quantile(LAST["latency"], 0.99) == 2 ** (29 / 4)


def test_display_on_a_terminal_and_in_a_pipe(tmp_path):
    file = tmp_path / "samples.jsonl"
    file.write_text(json.dumps(FIRST) + "\n" + json.dumps(LAST) + "\n")
    samples = Samples(file)
    samples.poll()
    console = Console(file=io.StringIO(), force_terminal=True, width=100, height=40)
    with Display("title", console) as display:
        display.step("building")
        display.update(samples, 12, 30)
        console.print(display._panel(samples, 12, 30))
    text = console.file.getvalue()
    for part in ("2.00 Gbit/s", "8 of 16", "16 of 16", "3 lost or broken", "12 s left", "0.5 µs"):
        assert part in text, part
    console = Console(file=io.StringIO(), width=100)
    with Display("title", console) as display:
        display._console = console
        display.update(samples, 12, 30)
        display.update(samples, 11, 30)
    lines = console.file.getvalue().splitlines()
    assert len(lines) == 1 and "2.00 + 1.00 Gbit/s" in lines[0], "one line a second"


def test_bars_and_times():
    assert bar(0.5, 4) == "██  " and bar(1 / 16, 2) == "▏ " and bar(7, 2) == "██"
    assert duration(1000) == "8.0 µs" and duration(1_000_000) == "8.00 ms"


def test_picture_of_a_run_without_packets(tmp_path):
    samples = Samples(tmp_path / "none")
    samples.all = [FIRST, {**FIRST, "cycle": 2000}]
    assert [path.name for path in picture.draw(samples, "t", tmp_path)] == ["demo.png", "demo.svg"]
