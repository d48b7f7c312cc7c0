"""What the page of the boards has from code: the boards, and their registers."""

import importlib

from ttpoe.board.boards import BOARDS
from ttpoe.board.lights import LIGHTS
from ttpoe.board.registers import APPS, board_registers

__all__ = ["TABLES"]


def _oscillator(board):
    """Its frequency in MHz, from the board file."""
    module, _, name = board.platform.partition(":")
    platform = getattr(importlib.import_module(f"amaranth_boards.{module}"), name)
    return next(
        found.clock.frequency / 1e6
        for found in platform.resources
        if found.name == platform.default_clk
    )


def _led(board, name):
    place = board.leds.get(name)
    return " ".join(map(str, place)) if place else "none"


def boards():
    """A row for each board."""
    rows = [
        "| name | board | oscillator | engine | preset | delays, in steps of 25 ps |",
        "|---|---|---|---|---|---|",
    ]
    for board in BOARDS.values():
        delays = ", ".join(f"`{name}` {taps}" for name, taps in board.delays.items()) or "none"
        rows.append(
            f"| `{board.name}` | {board.title} | {_oscillator(board):g} MHz | "
            f"{board.clock_mhz:g} MHz | `{board.preset}` | {delays} |"
        )
    return "\n".join(rows)


def lights():
    """Which LED of each board says what."""
    heads = " | ".join(f"`{name}`" for name in LIGHTS)
    rows = [f"| board | {heads} |", "|---" * (1 + len(LIGHTS)) + "|"]
    for board in BOARDS.values():
        rows.append(f"| `{board.name}` | {' | '.join(_led(board, name) for name in LIGHTS)} |")
    return "\n".join(rows)


def registers():
    """The registers of every application, each once."""
    rows = ["| address | register | bits | field | access | meaning |", "|---|---|---|---|---|---|"]
    found = {}
    for app in APPS:
        for register in board_registers(app, 0):
            apps, _ = found.setdefault(register.name, ([], register))
            apps.append(app)
    for apps, register in found.values():
        only = "" if len(apps) == len(APPS) else f"With `{apps[0]}`. "
        for number, field in enumerate(register.fields):
            last = field.lsb + field.width - 1
            bits = f"{last}:{field.lsb}" if field.width > 1 else f"{last}"
            place = f"0x{register.address:04X} | {register.name}" if not number else " | "
            words = field.meaning
            if not number:
                words = only + (
                    words if words == register.meaning else f"{register.meaning} {words}"
                )
            rows.append(f"| {place} | {bits} | `{field.name}` | {field.access.value} | {words} |")
    return "\n".join(rows)


TABLES = {"boards": boards, "board-lights": lights, "board-registers": registers}
"""Name of the part -> what writes it."""
