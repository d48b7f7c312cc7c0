"""Verilog with defects that a plusarg switches on: one simulator shows each of them, and none."""

import re

__all__ = ["with_defects"]

_SWITCH = '  reg [7:0] defect;\n  initial if (!$value$plusargs("defect=%d", defect)) defect = 0;\nendmodule'


def with_defects(verilog, top, places):
    """The Verilog with the defects of `places`, off unless `+defect=<number>`.

    `places`: (module, what is there, what it becomes), as for `re.sub`; D3 in the last one is a bit
    that is set while defect 3 is on.
    """
    parts = re.split(r"(?m)^(?=module )", verilog)

    def number_of(module):
        return next(n for n, part in enumerate(parts) if part.startswith(f"module {module}("))

    for module, pattern, replacement in places:
        replacement = re.sub(r"\bD(\d)", rf"({top}.defect == \1)", replacement)
        at = number_of(module)
        parts[at], found = re.subn(pattern, replacement, parts[at])
        assert found, f"no {pattern} in {module}"
    at = number_of(top)
    parts[at] = parts[at].replace("endmodule", _SWITCH)
    return "".join(parts)
