"""What a command raises; `main` prints it in one line, without a traceback."""

__all__ = ["Failed", "Interrupted", "UsageError"]


class UsageError(Exception):
    """Used wrong, or something is missing here: what is wrong and what to do. Exit code 2."""

    prog: str | None = None
    """What the command line calls it, if it was refused before it ran."""


class Failed(Exception):
    """It was done, and something is wrong: what. Exit code 1."""


class Interrupted(KeyboardInterrupt):
    """Ctrl-C or `kill`; the text is the summary: how far it came, how to go on. Exit code 130."""
