"""Which `default:` of the generated Verilog can never be taken.

Yosys writes every selection as a function with a `casez` over selecting bits, one bit per branch,
and always with a `default:`. It is out of reach if the bits compare one signal with every value
that it can have: all that its width allows, or those of an enumeration, which is named with its
reason in `reasons.toml`, [[values]]. That is worked out here, for each one, from the text.
"""

import re
from functools import lru_cache

__all__ = ["never_taken"]

_ASSIGN = re.compile(r"\s*assign (\\\S+ |\w+)(?:\[[\d:]+\])? ?= (.*);$")
_NAME = r"(\\\S+ ?|\w+)((?:\[[\d:]+\])?)"


@lru_cache(maxsize=256)
def _module(lines, first, last):
    """({name: what is assigned to it}, {function: selecting bits of its call})."""
    assigns, calls = {}, {}
    for line in lines[first:last]:
        if match := _ASSIGN.match(line):
            assigns[match[1].strip()] = match[2]
            if call := re.match(r"(_\d+_)\(.*, (\{[^{}]*\}|[^,{}]+)\)$", match[2]):
                bits = call[2].strip("{} ").split(", ")
                calls[call[1]] = [bit.strip() for bit in bits]
    return assigns, calls


def _around(lines, number):
    """(first, last) line of the module that line `number` (from 0) is in."""
    first = next(n for n in range(number, -1, -1) if lines[n].startswith("module "))
    last = next(n for n in range(number, len(lines)) if lines[n].startswith("endmodule"))
    return first, last


def _test(bit, assigns):
    """(signal, value, width or None) that the selecting bit compares, or None."""
    text = assigns.get(bit, "").strip()
    if match := re.fullmatch(rf"{_NAME}\s*== (\d+)'h([0-9a-f]+)", text):
        return match[1].strip() + match[2], int(match[4], 16), int(match[3])
    if match := re.fullmatch(rf"! {_NAME}", text):
        return match[1].strip() + match[2], 0, None
    if match := re.fullmatch(rf"~ {_NAME}", text):
        return match[1].strip() + match[2], 0, 1
    return bit, 1, 1


def never_taken(lines, number, values=()):
    """The reason why the `default:` on line `number` (from 1) of the Verilog is out of reach; None
    if that is not certain. `values`: entries of [[values]]."""
    lines = tuple(lines) if not isinstance(lines, tuple) else lines
    body = next(
        (line for line in lines[number - 1 : number + 1] if re.fullmatch(r"\s*_\d+_ = a;", line)),
        None,
    )
    if body is None:
        return None
    assigns, calls = _module(lines, *_around(lines, number - 1))
    tests = [_test(bit, assigns) for bit in calls.get(body.split()[0], [])]
    if not tests or len({signal for signal, _value, _width in tests}) != 1:
        return None
    signal = tests[0][0]
    width = max((width for *_rest, width in tests if width), default=None)
    found = {value for _signal, value, _width in tests}
    if width is not None and found == set(range(1 << width)):
        return "all values of the signal have a branch (Yosys writes a default always)"
    for entry in values:
        if re.search(entry["signal"], signal) and found == set(range(entry["count"])):
            return entry["reason"]
    return None
