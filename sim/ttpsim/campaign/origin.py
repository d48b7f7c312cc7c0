"""Where a result that is kept for the pages is from: command, revision, day and seeds; of a
measured time the machine, too."""

import os
import re
import time
from pathlib import Path

from ttpsim.campaign.revision import revision

__all__ = ["machine", "origin", "sentence"]

_CPUINFO = Path("/proc/cpuinfo")


def machine():
    """The processor's name, as the kernel has it, and how many cores there are."""
    text = _CPUINFO.read_text() if _CPUINFO.exists() else ""
    name = re.search(r"^model name\s*: (.+)$", text, re.MULTILINE)
    cores = os.cpu_count() or 1
    return f"{name[1] if name else 'processor unknown'}, {cores} core{'s' * (cores > 1)}"


def origin(command, seeds, timed=False):
    """What is kept beside a result. Called before the run: a file that it writes is a source, too.

    `timed`: the result depends on the machine.
    """
    return {
        "command": command,
        "revision": revision(),
        "date": time.strftime("%Y-%m-%d"),
        "seeds": str(seeds),
        **({"machine": machine()} if timed else {}),
    }


def sentence(found):
    """The same for people."""
    seeds = "seed" if found["seeds"].isdigit() else "seeds"
    where = f"; {found['machine']}" if "machine" in found else ""
    return (
        f"Made by `{found['command']}`, revision {found['revision']}, {found['date']}; "
        f"{seeds} {found['seeds']}{where}."
    )
