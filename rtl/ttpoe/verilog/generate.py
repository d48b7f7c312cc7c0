"""Everything that another project needs to use one configuration: behind `ttpoe generate`.

`package` gives the files of a folder as `{name: text}`: the Verilog of `ttpoe.verilog.emit`, the port list
of `ttpoe.verilog.ports`, the registers of `ttpoe.csr.documents`, an instantiation template, and a FuseSoC
core. The same configuration gives the same bytes.
"""

import json
from importlib.metadata import PackageNotFoundError, version
from importlib.resources import files
from pathlib import Path

from ..config import ConfigError
from ..csr.documents import c_header, systemrdl
from ..csr.documents import markdown as registers_markdown
from .emit import TOPS, configured, module_name, port_options, top_verilog, wrapped, write
from .ports import markdown, ports, to_dict

__all__ = [
    "ECP5_CELLS",
    "TOPS",
    "configuration",
    "sets_for_links",
    "instance",
    "fusesoc_core",
    "package",
    "port_options",
    "write_package",
]

ECP5_CELLS = Path(__file__).with_name("ecp5_ddr.v")
"""What the cells do that RGMII is made of, for simulators and lint."""

_LEAST_SETS, _MOST_SETS = 2, 16384


def sets_for_links(links, vc_tables):
    """Sets of each link table for `links` links; `ConfigError` names what is possible."""
    unit = 2 * vc_tables  # two ways in each set of each table
    sets = links // unit
    if links % unit == 0 and _LEAST_SETS <= sets <= _MOST_SETS and sets & (sets - 1) == 0:
        return sets
    sizes = [unit << power for power in range(1, 15)]
    below = max((size for size in sizes if size < links), default=None)
    above = min((size for size in sizes if size > links), default=None)
    near = " or ".join(str(size) for size in (below, above) if size is not None)
    other = 4 - vc_tables  # 1 and 3 are all there is
    fits = any(links == 2 * other << power for power in range(1, 15))
    raise ConfigError(
        f"links must be 2 ways x {vc_tables} vc_tables x a power of two from {_LEAST_SETS} to "
        f"{_MOST_SETS} of sets; got {links}, possible: {near}"
        + (f", or {links} with --vc-tables {other}" if fits else "")
    )


def configuration(preset_name, changes, links=None):
    """The configuration of a preset, a dict of changed parameters (None: unchanged), and `links`.

    A configuration that is not the preset's own is called `custom` unless `changes` name it.
    """
    changes = {name: value for name, value in changes.items() if value is not None}
    if links is not None:
        if "sets" in changes:
            raise ConfigError(
                f"give --links or --sets, not both; got links={links}, sets={changes['sets']}"
            )
        tables = configured(preset_name, {"vc_tables": changes.get("vc_tables")}).vc_tables
        changes["sets"] = sets_for_links(links, tables)
    config = configured(preset_name, changes)
    if "name" not in changes and config != configured(preset_name, {}):
        config = config.replace(name="custom")
    return config


def _bus(width):
    return f"[{width - 1}:0] " if width > 1 else ""


def instance(module, found):
    """An instantiation template: a wire for every port, inputs tied to their idle values.

    It is to be copied into a module, or included there, that has `clk` and `rst`.
    """
    lines = [
        f"// A wire for each port of {module}, and its instance, for a module that has clk",
        "// and rst: copy it, and put what you connect in the place of the idle value of",
        f"// an input. What each port means: {module}_ports.md",
        "",
    ]
    group = None
    for port in found:
        if port.group != group:
            group = port.group
            lines.append(f"// {group}")
        if port.name in ("clk", "rst"):
            continue
        tied = "" if port.idle is None else f" = {port.width}'d{port.idle}"
        lines.append(f"wire {_bus(port.width)}{port.name}{tied};")
    connections = ",\n".join(f"    .{port.name}({port.name})" for port in found)
    return "\n".join(lines) + f"\n\n{module} {module}_0 (\n{connections}\n);\n"


def _waivers(module):
    """Verilator's waivers for what Yosys writes, for this file only."""
    text = files("ttpoe.verilog").joinpath("lint.vlt").read_text()
    lines = text.splitlines()
    return (
        "\n".join(
            f'{line} -file "*{module}.v"' if line.startswith("lint_off") else line for line in lines
        )
        + "\n"
    )


def _version():
    try:
        return version("ttpoe")
    except PackageNotFoundError:  # used where it lies, not installed
        return "0"


_CELLS = """\
  cells:
    files:
      - {module}_cells.v
    file_type: verilogSource-2005
"""


def fusesoc_core(top, module, config, vlnv=None, cells=False):
    """A FuseSoC core (CAPI 2) of the emitted file; its target `lint` uses Verilator, with -Wall.

    `vlnv`: its name, if it is not to be `ttpoe:<configuration>:<module>:<version>`. `cells`: there
    is a file with what the cells of an FPGA do; `lint` has it, and a simulator may.
    """
    fileset = _CELLS.format(module=module) if cells else ""
    appended = "\n    filesets_append: [cells]" if cells else ""
    return f"""CAPI=2:
name: {vlnv or f"ttpoe:{config.name}:{module}:{_version()}"}
description: "{TOPS[top]}"

filesets:
  rtl:
    files:
      - {module}.v
    file_type: verilogSource-2005
  waivers:
    files:
      - {module}.vlt
    file_type: vlt
{fileset}
targets:
  default: &default
    filesets:
      - rtl
      - waivers
    toplevel: {module}
  lint:
    <<: *default{appended}
    flow: lint
    flow_options:
      tool: verilator
      verilator_options: [-Wall]
"""


def package(top, config, module=None, vlnv=None, **port):
    """`{file name: text}` of everything for `top` (a key of `emit.TOPS`); `port` as of
    `emit.port_options`."""
    module, mac = module_name(module, top), port.get("mac")
    component = wrapped(top, config, **port)
    found = ports(component, config)
    result = {
        f"{module}.v": top_verilog(top, config, module, component, **port),
        f"{module}.vlt": _waivers(module),
        f"{module}.core": fusesoc_core(top, module, config, vlnv, mac == "rgmii"),
        f"{module}_instance.vh": instance(module, found),
        f"{module}_ports.md": markdown(module, config, found),
        f"{module}_ports.json": json.dumps(to_dict(module, config, found, mac), indent=1) + "\n",
    }
    if mac == "rgmii":
        result[f"{module}_cells.v"] = ECP5_CELLS.read_text()
    if top in ("managed_nic", "port"):  # the others have no registers
        result |= {
            "ttp_registers.h": c_header(config, mac),
            "ttp_registers.rdl": systemrdl(config, mac),
            "ttp_registers.md": registers_markdown(config, mac),
        }
    return result


def write_package(folder, contents):
    """Write the files of `package` into `folder`, which is made; their paths, in order."""
    for name, text in contents.items():
        write(folder / name, text)
    return [folder / name for name in contents]
