"""Where a result that is kept for the pages is from: command, revision, day and seeds."""

import time

from ttpsim.campaign.revision import revision

__all__ = ["origin", "sentence"]


def origin(command, seeds):
    """What is kept beside a result. Called before the run: a file that it writes is a source, too."""
    return {
        "command": command,
        "revision": revision(),
        "date": time.strftime("%Y-%m-%d"),
        "seeds": str(seeds),
    }


def sentence(found):
    """The same for people."""
    seeds = "seed" if found["seeds"].isdigit() else "seeds"
    return (
        f"Made by `{found['command']}`, revision {found['revision']}, {found['date']}; "
        f"{seeds} {found['seeds']}."
    )
