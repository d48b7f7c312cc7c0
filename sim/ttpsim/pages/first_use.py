"""What a new user waits for, in the README: part `first_use` of the bench."""

from . import figures

__all__ = ["TABLES", "first_use"]


def _minutes(seconds):
    return f"{int(seconds) // 60}:{int(seconds) % 60:02}"


def first_use():
    """The times that were measured, a sentence; where they are from."""
    found = figures.baseline()

    def at(name):
        seconds = found.get(f"first_use.{name}_s")
        return "not measured" if seconds is None else _minutes(seconds)

    return (
        f"In a fresh clone, minutes by the clock: set-up {at('setup')}; `make sim TEST=hello` "
        f"{at('hello')}, with its first result after {at('hello_first')}; all of `make sim` behind it "
        f"{at('sim')}; `make test` with nothing built {at('test')}.\n{figures.origin('first_use')}"
    )


TABLES = {"first-use": first_use}
"""Name of a part in a page -> what writes it."""
