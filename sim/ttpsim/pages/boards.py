"""What the page of the boards has from code: the boards, and their registers."""

import importlib

from ttpoe.board.boards import BOARDS
from ttpoe.board.lights import LIGHTS
from ttpoe.board.registers import APPS, board_registers
from ttpsim.board.measured import kept
from ttpsim.campaign.origin import sentence

__all__ = ["TABLES", "oscillator_of"]


def oscillator_of(board):
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
            f"| `{board.name}` | {board.title} | {oscillator_of(board):g} MHz | "
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


def _clock(found, name):
    """What a clock needs and has reached, in words: of several nets the slowest."""
    clocks = [clock for clock in found["clocks"] if clock["clock"] == name]
    slowest = min(clocks, key=lambda clock: clock["reached_mhz"])
    missed = ", **missed**" if slowest["reached_mhz"] < slowest["needed_mhz"] else ""
    return f"{slowest['reached_mhz']:.1f} of {slowest['needed_mhz']:g} MHz{missed}"


def _made(kind):
    """Where the rows are from."""
    return " ".join(sentence(found["origin"]) for found in kept()[kind].values())


def bitstreams():
    """What the tools said of each bitstream that was kept."""
    rows = [
        "| board, application, preset | LUT4 | flip-flops | block RAMs | of the device's logic cells, "
        "block RAMs | engine: reached of needed | RXC: reached of needed |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    for found in kept()["bitstreams"].values():
        shares = found["used_percent"]
        rows.append(
            f"| `{found['board']}`, `{found['app']}`, `{found['preset']}` | {found['lut4']:,} | "
            f"{found['ff']:,} | {found['dp16kd']} | {shares['TRELLIS_COMB']} %, "
            f"{shares['DP16KD']} % | {_clock(found, 'engine')} | {_clock(found, 'RGMII')} |"
        )
    return "\n".join([*rows, "", _made("bitstreams")])


def netlists():
    """What the bench found in each netlist that was kept."""
    rows = ["| figure | value |", "|---|---|"]
    for found in kept()["netlists"].values():
        pings, many, counts = found["pings"], found["many"], found["counts"]
        least, most = (pings[f"PING_{name}"] / found["clock_mhz"] for name in ("LEAST", "MOST"))
        rows += [
            f"| frames of the board, of the peer; lost or spoilt on the wire | {found['frames'][0]}, "
            f"{found['frames'][1]}; {found['lost']} |",
            f"| links opened, packets sent again | {counts['link_opened']}, "
            f"{counts['payload_replayed']} |",
            f"| packets that came back, each once, in order and right | "
            f"{pings['TRAFFIC_RECEIVED'] + many['TRAFFIC_RECEIVED']}, of them "
            f"{pings['TRAFFIC_RECEIVED']} one at a time |",
            f"| round trip of those, shortest and longest | {least:.1f} us, {most:.1f} us |",
        ]
    return "\n".join([*rows, "", _made("netlists")])


TABLES = {
    "boards": boards,
    "board-lights": lights,
    "board-registers": registers,
    "board-bitstreams": bitstreams,
    "board-netlists": netlists,
}
"""Name of the part -> what writes it."""
