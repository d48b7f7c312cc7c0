"""The view for GTKWave: a save file, and one translate filter per kind of name.

Format: GTKWave's save files (`@` flags, `^` filter, `[color]`, `+{alias} name`, `-group`), the bits
of a flag word as in its `analyzer.h`.
"""

from math import log2

from .content import NUMBERS
from .names import KINDS, names_of

__all__ = ["filter_name", "filter_text", "save_text", "write"]

_HEX, _DECIMAL, _RIGHT, _BLANK, _TRANSLATED = 0x2, 0x4, 0x20, 0x200, 0x2000
_BEGIN, _END, _CLOSED, _COLLAPSED = 0x800000, 0x1000000, 0x400000, 0x1000
_COLOURS = {"": 0, "red": 1, "orange": 2, "yellow": 3, "green": 4}
# Shown open at first, for the engine that the marker is about; the rest is a click away.
_OPEN = ("wires", "last event", "replay memory", "selective replay")
_CLOCK_PS = 8_000
_SHOWN_CLOCKS, _PIXELS = 120, 1_200


def filter_name(kind):
    """File name of the filter, beside the save file."""
    return f"names-{kind}.txt"


def filter_text(kind):
    """One line per value: the value as GTKWave shows it in hexadecimal, and its name."""
    width, names = names_of(kind)
    digits = -(-width // 4)
    return "".join(f"{value:0{digits}X} {name}\n" for value, name in sorted(names.items()))


def _name(shown):
    """GTKWave's name of a signal: it escapes those with a dot of their own."""
    scope = shown.name.removesuffix(shown.own_name)
    escape = "\\" if shown.is_field else ""
    return f"{scope}{escape}{shown.own_name}" + (
        f"[{shown.width - 1}:0]" if shown.width > 1 else ""
    )


def _line(shown):
    kind = shown.line.kind
    if kind in NUMBERS:
        flags = [f"@{(_HEX if kind == 'hex' else _DECIMAL) | _RIGHT:x}"]
    else:
        flags = [f"@{_HEX | _RIGHT | _TRANSLATED:x}", f"^1 {filter_name(kind)}"]
    return [
        *flags,
        f"[color] {_COLOURS[shown.line.colour]}",
        f"+{{{shown.line.label}}} {_name(shown)}",
    ]


def _zoom():
    """GTKWave's zoom: minus the logarithm of the time (picoseconds) in 200 pixels."""
    return -log2(200 * _SHOWN_CLOCKS * _CLOCK_PS / _PIXELS)


def save_text(dump, marker):
    """The save file for `dump` (a `Dump`), with the time `marker` in view."""
    shown_engine, _time = dump.focus()
    text = [
        f'[dumpfile] "{dump.path.name}"',
        f"[timestart] {max(0, marker - 40 * _CLOCK_PS)}",
        "[size] 1600 1400",
        "[pos] -1 -1",
        f"*{_zoom():.6f} {marker}" + " -1" * 26,
        "[sst_width] 0",
        "[signals_width] 330",
        "[sst_expanded] 0",
        f"@{_HEX | _RIGHT:x}",
        "[color] 0",
        "+{clock} pair.clk",
    ]
    for title, lines in dump.view():
        engine, group = title.split(": ", 1)
        opened = engine == shown_engine and group in _OPEN
        begin, end = (0, 0) if opened else (_CLOSED, _CLOSED | _COLLAPSED)
        text += [f"@{_BEGIN | _BLANK | begin:x}", f"-{title}"]
        text += [part for shown in lines for part in _line(shown)]
        text += [f"@{_END | _BLANK | end:x}", f"-{title}"]
    return "\n".join(text) + "\n"


def write(dump, marker):
    """Write save file and filters beside the waveform; returns the save file's path."""
    folder = dump.path.parent
    for kind in KINDS:
        (folder / filter_name(kind)).write_text(filter_text(kind))
    path = dump.path.with_suffix(".gtkw")
    path.write_text(save_text(dump, marker))
    return path
