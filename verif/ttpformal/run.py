"""`ttpoe formal`: every proof, its covers and its defects; a table, and build/verify/formal.json.

A run of some proofs replaces their rows in that file and leaves the others.

For each proof three things: it holds; its covers are reached (so that its assumptions do not
exclude the case it is about); and with each of its defects put into the source it fails.
"""

import json
import multiprocessing
import shutil
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path

from ttpverif.cli.errors import Interrupted, UsageError

from . import sby
from .emit import emit_logged
from .table import load

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "build" / "formal"
RESULT = ROOT / "build" / "verify" / "formal.json"
ENGINES = {
    "pdr": ("prove", "abc pdr"),
    "induction": ("prove", "smtbmc yices"),
    "bmc": ("bmc", "smtbmc yices"),
    "sat": ("bmc", "abc bmc3"),
}


_PROCESSES = multiprocessing.get_context("forkserver")
_PROCESSES.set_forkserver_preload(["ttpformal.emit"])
"""Each proof is emitted by a process of its own, which has Amaranth already."""


def _emit(name, folder, *defect):
    """Writes `folder`/design.il; returns what was wrong, or None."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    log = folder / "emit.log"
    process = _PROCESSES.Process(
        target=emit_logged, args=(name, str(folder / "design.il"), str(log), *defect)
    )
    process.start()
    process.join()
    if process.exitcode:
        lines = log.read_text().strip().splitlines() if log.exists() else []
        return f"cannot be built: {lines[-1] if lines else 'no output'}"
    return None


def _one(name, proof, task, timeout):
    """Runs one task of one proof: "prove", "cover" or the number of a defect."""
    start = time.monotonic()
    folder = BUILD / f"{name}.{task}"
    error = _emit(name, folder, *([task] if isinstance(task, int) else []))
    if error:
        status, log = "ERROR", error
    else:
        if task == "prove":
            mode, engine = ENGINES[proof.mode]
            depth, wanted = proof.depth, "PASS"
        elif task == "cover":
            mode, engine, depth, wanted = "cover", "smtbmc yices", proof.cover_depth, "PASS"
        else:
            mode, engine = ENGINES["sat" if proof.mode == "sat" or proof.flat else "bmc"]
            wanted = "FAIL"
            depth = proof.defect_depth or proof.depth
        if proof.flat:
            engine = engine.replace("smtbmc", "smtbmc --nomem")
        status, log = sby.run(folder, mode, depth, engine, timeout)
        (folder / "sby.log").write_text(log)
    return {
        "status": status,
        "ok": not error and status == wanted,
        "seconds": round(time.monotonic() - start, 1),
        "error": error,
    }


def _revision():
    """The last commit of the hardware, with "-dirty" if the files differ from it."""

    def git(*arguments):
        done = subprocess.run(
            ["git", *arguments, "--", "rtl"], cwd=ROOT, text=True, capture_output=True
        )
        return done.stdout.strip()

    commit = git("log", "-1", "--format=%h") or "unknown"
    return commit + ("-dirty" if git("status", "--porcelain") else "")


def _row(name, proof, done):
    """What formal.json says about one proof."""
    return {
        "proof": name,
        "date": date.today().isoformat(),
        "revision": _revision(),
        "shows": proof.shows,
        "config": proof.config,
        "engine": ENGINES[proof.mode][1],
        "mode": proof.mode,
        "depth": None if proof.mode == "pdr" else proof.depth,
        "why_enough": proof.why,
        "result": done["prove"]["status"],
        "seconds": done["prove"]["seconds"],
        "cover": done["cover"]["status"],
        "defects": [
            {
                "what": defect.what,
                "file": defect.path,
                "found": done[n]["ok"],
                "status": done[n]["status"],
            }
            for n, defect in enumerate(proof.defects)
        ],
        "seconds_all": round(sum(one["seconds"] for one in done.values()), 1),
        "ok": all(one["ok"] for one in done.values()),
    }


def _table(rows):
    lines = [("proof", "mode", "depth", "result", "s", "cover", "defects", "s all")]
    for row in rows:
        found = sum(defect["found"] for defect in row["defects"])
        lines.append(
            (
                row["proof"],
                row["mode"],
                str(row["depth"] or "-"),
                row["result"],
                f"{row['seconds']:.1f}",
                row["cover"],
                f"{found}/{len(row['defects'])}",
                f"{row['seconds_all']:.1f}",
            )
        )
    widths = [max(len(line[n]) for line in lines) for n in range(len(lines[0]))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip() for line in lines
    )


def _merged(rows, every):
    """`rows`, and those of the last result for the other proofs that there are, in their order."""
    old = json.loads(RESULT.read_text())["proofs"] if RESULT.exists() else []
    by_name = {row["proof"]: row for row in (*old, *rows)}
    return [by_name[name] for name in every if name in by_name]


def _write(rows):
    """`rows` into formal.json, beside the last results of the other proofs."""
    kept = _merged(rows, load())
    RESULT.parent.mkdir(parents=True, exist_ok=True)
    RESULT.write_text(
        json.dumps(
            {"proofs": kept, "failed": [row["proof"] for row in kept if not row["ok"]]}, indent=1
        )
        + "\n"
    )


def _tell(place, task, result):
    label = task if isinstance(task, str) else f"defect {task}"
    verdict = "ok" if result["ok"] else f"NOT OK ({result['error'] or result['status']})"
    print(f"[formal] {place} {label}: {verdict}, {result['seconds']:.1f} s", flush=True)


def run(proofs, jobs, timeout, keep=lambda row: None):
    """Runs `proofs` ({name: class}); returns the rows of the table, and gives each to `keep`."""
    tasks = [
        (name, proof, task)
        for name, proof in proofs.items()
        for task in ("prove", "cover", *range(len(proof.defects)))
    ]
    done = {name: {} for name in proofs}
    with ThreadPoolExecutor(jobs) as pool:

        def work(item):
            name, proof, task = item
            return item, _one(name, proof, task, timeout)

        count = 0
        try:
            for count, ((name, proof, task), result) in enumerate(pool.map(work, tasks), 1):
                done[name][task] = result
                _tell(f"{count}/{len(tasks)} {name}", task, result)
                if len(done[name]) == 2 + len(proof.defects):
                    keep(_row(name, proof, done[name]))
        except KeyboardInterrupt:
            sby.stop()
            pool.shutdown(wait=False, cancel_futures=True)
            failed = sum(not one["ok"] for tasks in done.values() for one in tasks.values())
            raise Interrupted(
                f"{count} of {len(tasks)} tasks were done, {failed} of them not ok"
            ) from None
    return [_row(name, proof, done[name]) for name, proof in proofs.items()]


def _chosen(arguments):
    """`{name: class}` of the proofs that are asked for."""
    every = load()
    for start in arguments.proof:
        if not any(name.startswith(start) for name in every):
            raise UsageError(f"no proof is called {start}; there are: {', '.join(every)}")
    return {
        name: proof
        for name, proof in every.items()
        if (not arguments.short or proof.short) and name.startswith(tuple(arguments.proof) or "")
    }


def main(arguments):
    """What `ttpoe formal` does; exit code 0 all is as it should be, 1 not."""
    proofs = _chosen(arguments)
    if not proofs:
        raise UsageError("none of these proofs is in the short form: leave --short out")
    if arguments.list:
        for name, proof in proofs.items():
            print(f"{name}: {proof.shows}")
        return 0
    lacking = sby.missing()
    if lacking:
        raise UsageError(f"{lacking} is missing: run `make setup WITH=formal`")
    # A run that is ended early keeps the proofs that it has finished.
    rows = run(
        proofs,
        arguments.jobs,
        arguments.seconds,
        (lambda row: None) if arguments.short else (lambda row: _write([row])),
    )
    print(_table(rows))
    failed = [row["proof"] for row in rows if not row["ok"]]
    print(
        f"[formal] {len(rows) - len(failed)} of {len(rows)} proofs hold, their covers are"
        " reached and their defects found" + (f"; NOT: {', '.join(failed)}" if failed else "")
    )
    return 1 if failed else 0
