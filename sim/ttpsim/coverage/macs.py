"""Coverage of the MACs: `ttpoe coverage --macs`; --long: every kind of port, every length.

The benches of `tests/mac` and `tests/port` run with a module beside the MAC that counts the points of
its plan (`ttpverif.coverage.mac_points`). A bench that fails counts for nothing.
Results: build/verify/coverage-mac.json; page: docs/reference/coverage-mac.md. Exit code 1: a bench
failed, or a point was not hit and is not covered elsewhere.
"""

import json
import os
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from ttpsim.campaign.origin import origin
from ttpsim.coverage import mac_page
from ttpsim.coverage.mac_sides import SIDES
from ttpsim.paths import ROOT
from ttpverif.coverage import mac_counting, mac_points

__all__ = ["ASKED", "BENCHES", "RESULTS", "counted", "document", "kept", "main"]

RESULTS = ROOT / "build" / "verify" / "coverage-mac.json"
ASKED = "TTP_MAC_POINTS"
"""Environment variable: the folder into which a bench puts its counts."""


@dataclass(frozen=True)
class MacBench:
    """A test with a simulated wire; `names`: the benches that it builds, of `SIDES`."""

    test: str
    names: tuple
    long: bool = False


BENCHES = (
    MacBench("tests/mac/test_gmii_mac.py", ("mac-gmii",)),
    MacBench("tests/mac/test_rgmii.py", ("mac-rgmii",)),
    MacBench("tests/mac/test_liteeth.py", ("mac-liteeth",)),
    MacBench("tests/mac/test_xgmii_rx.py", ("mac-rx",)),
    MacBench("tests/mac/test_xgmii_tx.py", ("mac-tx",)),
    MacBench("tests/mac/test_xgmii_mac.py", ("mac-xgmii",)),
    MacBench("tests/mac/test_hard_mac.py", ("mac-hard",)),
    MacBench("tests/port/test_two_ports.py::test_two_ports[rgmii]", ("port-rgmii",)),
    *(
        MacBench(f"tests/port/test_two_ports.py::test_two_ports[{kind}]", (f"port-{kind}",), True)
        for kind in ("gmii", "xgmii", "cmac")
    ),
)


# ---- inside a bench ----------------------------------------------------------------------------


def counted(name, text):
    """The Verilog of the bench `name`, with the counting module if somebody asks for it."""
    if ASKED not in os.environ or name not in SIDES:
        return text
    return mac_counting.beside(text, SIDES[name])


def kept(name, folder):
    """Add the counts that the simulation left in `folder` to those that are asked for."""
    if ASKED not in os.environ or name not in SIDES:
        return
    counts = mac_counting.read_counts((folder / mac_counting.FILE).read_text(), SIDES[name])
    path = Path(os.environ[ASKED]) / f"{name}.json"
    if path.exists():
        for point, count in json.loads(path.read_text()).items():
            counts[point] += count
    path.write_text(json.dumps(counts))


# ---- all benches -------------------------------------------------------------------------------


def _run(bench, folder, words):
    """One bench in a process of its own: what became of it, and its counts."""
    began = time.monotonic()
    for name in bench.names:
        (folder / f"{name}.json").unlink(missing_ok=True)
    log = folder / f"{bench.names[0]}.log"
    paths = [str(ROOT / name) for name in ("rtl", "verif", "sim")]
    with open(log, "w") as output:
        code = subprocess.call(
            [sys.executable, "-m", "pytest", "-q", "-n", "0", "-p", "no:cacheprovider", bench.test]
            + words,
            cwd=ROOT,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=os.environ | {ASKED: str(folder), "PYTHONPATH": os.pathsep.join(paths)},
        )
    passed = not code and all((folder / f"{name}.json").exists() for name in bench.names)
    skipped = not code and not passed
    return {
        "test": bench.test,
        "names": list(bench.names),
        "passed": passed,
        "result": "passed" if passed else "skipped" if skipped else "failed",
        "seconds": round(time.monotonic() - began, 1),
        "log": str(log.relative_to(ROOT)),
    }


def _verdicts(folder, rows):
    """`{point: {what, count, benches, reason}}` for every point of the plan."""
    counts, benches = Counter(), {}
    for row in rows:
        for name in row["names"] if row["passed"] else ():
            found = json.loads((folder / f"{name}.json").read_text())
            counts.update(found)
            for point, count in found.items():
                if count:
                    benches.setdefault(point, []).append(name)
    elsewhere = mac_points.load()["elsewhere"]
    return {
        name: {
            "what": point.what,
            "count": counts[name],
            "benches": benches.get(name, []),
            "reason": None if counts[name] else elsewhere.get(name),
        }
        for name, point in mac_points.universe().items()
    }


def problems(results):
    """One line for each thing that makes the coverage incomplete."""
    lines = [
        f"{row['test']} {row['result']}; see {row['log']}"
        for row in results["benches"]
        if row["result"] == "failed"
    ]
    return lines + [
        f"{name} was not hit: {point['what']}"
        for name, point in results["points"].items()
        if not point["count"] and not point["reason"]
    ]


def document():
    """docs/reference/coverage-mac.md of the last results, `{page: text}`; empty without results."""
    if not RESULTS.exists():
        return {}
    return {mac_page.PAGE: mac_page.page(json.loads(RESULTS.read_text()))}


def main(arguments):
    """What `ttpoe coverage --macs` does; exit code 0 complete, 1 not."""
    wanted = arguments.test
    chosen = [
        bench
        for bench in BENCHES
        if (arguments.long or wanted or not bench.long)
        and (not wanted or any(name in wanted for name in bench.names))
    ]
    command = " ".join(["ttpoe coverage --macs", *["--long"] * arguments.long, *wanted])
    made = origin(command, 11)  # the seed of every bench
    folder = RESULTS.parent / "coverage-mac"
    folder.mkdir(parents=True, exist_ok=True)
    rows = []
    for number, bench in enumerate(chosen, 1):
        print(f"[coverage] {number}/{len(chosen)} {bench.test}", flush=True)
        rows.append(_run(bench, folder, ["--all-lengths"] * arguments.long))
        print(f"[coverage] {rows[-1]['result']}, {rows[-1]['seconds']:.0f} s", flush=True)
    results = {"origin": made, "benches": rows, "points": _verdicts(folder, rows)}
    RESULTS.write_text(json.dumps(results, indent=1) + "\n")
    if not wanted:
        mac_page.PAGE.write_text(mac_page.page(results))
    lines = problems(results)
    for line in lines:
        print(f"coverage: {line}")
    hit = sum(bool(point["count"]) for point in results["points"].values())
    print(
        f"coverage: {hit} of {len(results['points'])} points hit, {len(lines)} problems;"
        f" {RESULTS.relative_to(ROOT)}"
    )
    return 1 if lines else 0
