"""`ttpoe abuse`: bad frames among good traffic, and reset at any clock.

`docs/evidence/abuse.md` says what each part shows.
"""

import json
import os
import random
import shutil
import signal
import struct
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from ttpoe.config import preset
from ttpsim.abuse.build import CAUSES, LINK_STAT_NAMES, compile_abuse
from ttpsim.abuse.x_search import run_x
from ttpsim.build import builds
from ttpsim.paths import ROOT
from ttpverif.check.trace import NOTICES
from ttpverif.cli.errors import Interrupted
from ttpverif.frames.bad import ANY_CAUSE, CATEGORIES, Bad
from ttpverif.frames.bad_datagram import BadDatagrams
from ttpverif.frames.frame import ETHERTYPES, Frame, Opcode
from ttpverif.frames.hostile import Hostile

RESULTS = ROOT / "build" / "verify" / "abuse.json"
NODES = (0x00A5C3, 0x015A0B)  # as in sim/ttpsim/native/engine.h
PARTS = ("parse", "datagrams", "forged", "go_back_n", "reset", "flood", "x")
_HEADER = struct.Struct("<H10B3iQ")  # `Header` of sim/ttpsim/abuse/frames.h
# Two causes have names of their own in the hardware.
_CAUSE = {"tsh_length": "tsh_range", "total_length": "total_mismatch"}
_NOTHING = (0, 0)


def record(bad: Bad, side):
    """One frame as the program reads it."""
    flags = bad.bad_fcs | bad.gaps << 1 | bad.odd_keep << 2 | (bad.vc is not None) << 3
    cause = (
        255
        if bad.cause is None
        else 254
        if bad.cause == ANY_CAUSE
        else CAUSES.index(_CAUSE.get(bad.cause, bad.cause))
    )
    epoch, tx, rx = (field or _NOTHING for field in (bad.epoch, bad.tx, bad.rx))
    stats = 1 << LINK_STAT_NAMES.index(bad.stat) if bad.stat else 0
    return (
        _HEADER.pack(
            len(bad.data),
            flags,
            CATEGORIES.index(bad.category),
            cause,
            255 if bad.answer is None else bad.answer,
            side,
            bad.vc or 0,
            epoch[0],
            tx[0],
            rx[0],
            255 if bad.notice is None else NOTICES.index(bad.notice),
            epoch[1],
            tx[1],
            rx[1],
            stats,
        )
        + bad.data
    )


def _maker(mode, seed, side, slots):
    """What makes the frames to one engine."""
    nodes = NODES[side], NODES[not side]
    if mode == "datagrams":
        return BadDatagrams(random.Random(f"datagrams/{seed}/{side}"), *nodes)
    return Hostile(seed, *nodes, slots, mode != "go_back_n")


def records(mode, seed, count, slots):
    """`count` frames, half of them to either engine, in chunks of bytes."""
    makers: list[Any] = [_maker(mode, seed, side, slots) for side in (0, 1)]
    forges = mode in ("forged", "go_back_n")
    first = [[] if forges else maker.structured() for maker in makers]
    chunk = []
    for number in range(count):
        side = number % 2
        maker = makers[side]
        if first[side]:
            bad = first[side].pop()
        elif forges and number % 8 >= 2:  # among these, some that do not parse
            bad = maker.forged()
        else:
            bad = maker.malformed()
        chunk.append(record(bad, side))
        if len(chunk) == 512:
            yield b"".join(chunk)
            chunk = []
    yield b"".join(chunk)


def floods(seed, count, newcomers=30):
    """OPENs to engine a from `count` nodes, and later from `newcomers` more, as `records`."""
    rng = random.Random(f"flood/{seed}")
    start, chunk = rng.randrange(1 << 24), []
    for number in range(count + newcomers):
        node = (start + number * 0x9E3779) % (1 << 24)  # odd: every node once
        if node not in NODES:
            frame = Frame(
                node,
                NODES[0],
                Opcode.OPEN,
                rng.randrange(3),
                rng.randrange(1 << 31),
                0,
                rng.randint(1, 0xFFFF),
                rng.choice((0, 0x20)),
                rng.choice(ETHERTYPES),
            )
            chunk.append((number >= count, frame.pack()))
    yield b"".join(
        _HEADER.pack(len(data), late, *(0,) * 13) + data
        for late, data in sorted(chunk, key=lambda one: not one[0])
    )


def run_program(program, mode, seed=1, feed=(), output=None, plus=(), **numbers):
    """`(exit code, results as a dict)`; `feed` goes to its standard input, `plus` to the design."""
    if mode == "go_back_n":  # forged frames on links of that kind
        mode, numbers = "forged", numbers | {"selective": 0}
    if mode == "datagrams":  # to engines that know them
        mode = "parse"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "abuse.json"
        command = [str(program), mode, "--seed", str(seed), "--json", str(path), *plus]
        for name, value in numbers.items():
            command += [f"--{name}", str(value)]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=output)
        try:
            try:
                assert process.stdin is not None  # it is a pipe
                for chunk in feed:
                    process.stdin.write(chunk)
                process.stdin.close()
            except BrokenPipeError:  # it has found something
                pass
            code = process.wait()
        except KeyboardInterrupt:
            process.send_signal(signal.SIGINT)
            process.wait()
            raise
        return code, json.loads(path.read_text()) if path.exists() and path.stat().st_size else {}


def _plan(arguments):
    """`{part: (frames, numbers)}` of the parts that are asked for."""
    long = arguments.long
    frames = arguments.frames or (1_000_000 if long else 40_000)
    parts = {
        "parse": (frames // 2, {}),
        "datagrams": (frames // 4, {}),
        "forged": (frames // 8, {}),
        "go_back_n": (frames // 8, {}),
        "reset": (0, {"every": 1 if long else 16}),
        "flood": (10_000 if long else 1_000, {}),
        "x": (0, {"every": 20 if long else 150}),
    }
    return {name: parts[name] for name in PARTS if name in (arguments.part or PARTS)}


def _save(results):
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    try:
        earlier = json.loads(RESULTS.read_text())
    except (OSError, ValueError):
        earlier = {}
    partial = RESULTS.with_suffix(f".{os.getpid()}.part")  # others may run at the same time
    partial.write_text(json.dumps(earlier | results, indent=1) + "\n")
    os.replace(partial, RESULTS)


def _again(arguments, part):
    """The command that repeats one part."""
    words = [f"ttpoe abuse {part} --preset {arguments.preset} --seed {arguments.seed}"]
    if arguments.frames:
        words.append(f"--frames {arguments.frames}")
    return " ".join(words + ["--long"] * arguments.long)


def _x_search(config, processes, numbers):
    print("[abuse] x: Icarus, minutes", flush=True)
    verilog = builds.emitted(config, processes).read_text()
    code, result = run_x(builds.BUILD / f"x-{config.name}", verilog, processes, **numbers)
    print(
        "[abuse] FAILED: " + result["failure"]
        if code
        else f"[abuse] {result['resets']} resets, {result['clocks']} clocks: no X"
    )
    return code, result


def _run_parts(arguments, parts, done):
    """Run them one after the other; the results come into `done`, `{part: exit code}`."""
    seed, programs = arguments.seed, {}
    processes = builds.Processes(arguments.jobs)
    for part, (count, numbers) in parts.items():
        config = preset(arguments.preset)
        if part == "datagrams":
            config = config.replace(name=f"{config.name}_ipv4", encapsulation="ipv4")
        if part == "x" and len(parts) > 1 and not shutil.which("iverilog"):
            print("[abuse] x: skipped, Icarus Verilog is missing: apt-get install iverilog")
            continue
        if part == "x":
            code, result = _x_search(config, processes, numbers)
        else:
            if config.name not in programs:
                print(f"[abuse] building {config.name}", flush=True)
                programs[config.name] = compile_abuse(config, processes)
            print(f"[abuse] {part}, seed {seed}", flush=True)
            feed = (
                floods(seed, count)
                if part == "flood"
                else records(part, seed, count, config.slots)
                if count
                else ()
            )
            code, result = run_program(programs[config.name], part, seed, feed, **numbers)
        if code == 130:
            raise KeyboardInterrupt
        done[part] = code
        _save({f"{part} {config.name}": result})
        if code:
            print(f"[abuse] again: {_again(arguments, part)}")


def main(arguments):
    """What `ttpoe abuse` does; exit code 0 passed, 1 failed."""
    parts, done = _plan(arguments), {}
    try:
        _run_parts(arguments, parts, done)
    except KeyboardInterrupt:
        raise Interrupted(
            f"{len(done)} of {len(parts)} parts had ended, "
            f"{sum(map(bool, done.values()))} of them failed"
        ) from None
    failed = any(done.values())
    print(f"[abuse] {'FAILED' if failed else 'passed'}; {RESULTS.relative_to(ROOT)}")
    return int(failed)
