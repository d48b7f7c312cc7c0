"""The view for Surfer: a command file, and one mapping per kind of name.

Surfer finds the mappings in `.surfer/mappings` of the folder in which it is started. Its commands
name a signal by its scopes joined with dots, so fields of records, whose own names have dots, are
left out: "last event" says much of the same, one clock later.
"""

from .content import NUMBERS
from .names import KINDS, names_of

__all__ = ["mapping_text", "command_text", "write"]

_NUMBERS = {"hex": "Hexadecimal", "decimal": "Unsigned"}
_COLOURS = {"red": "Red", "orange": "Orange", "yellow": "Yellow", "green": "Green"}


def mapping_text(kind):
    """One mapping file: its name, the width in bits, and a line per value."""
    width, names = names_of(kind)
    return f"Name = ttp_{kind}\nBits = {width}\n" + "".join(
        f"{value} {name}\n" for value, name in sorted(names.items())
    )


def command_text(dump, marker):
    """The commands that build the view of `dump` (a `Dump`), with the time `marker` in view."""
    text = ["variable_add pair.clk"]
    for title, lines in dump.view():
        lines = [shown for shown in lines if not shown.is_field]
        if lines:
            text.append("divider_add " + title.replace(" ", "_"))
        for shown in lines:
            text.append(f"variable_add {shown.name}")
            if shown.width > 1:
                kind = shown.line.kind
                text.append(
                    "item_set_format " + (_NUMBERS[kind] if kind in NUMBERS else f"ttp_{kind}")
                )
            if shown.line.colour:
                text.append(f"item_set_color {_COLOURS[shown.line.colour]}")
    text += [f"zoom_to {max(0, marker - 320_000)} {marker + 960_000}", f"cursor_set {marker}"]
    return "\n".join(text) + "\n"


def write(dump, marker):
    """Write commands and mappings beside the waveform; returns the command file's path.

    Mappings are in a folder of their own, above the runs, which keep only files.
    """
    mappings = dump.path.parent.parent / ".surfer" / "mappings"
    mappings.mkdir(parents=True, exist_ok=True)
    for kind in KINDS:
        (mappings / f"ttp_{kind}").write_text(mapping_text(kind))
    path = dump.path.with_suffix(".sucl")
    path.write_text(command_text(dump, marker))
    return path
