"""`ttpoe emit`: the Verilog of one configuration, and nothing else."""

import sys

from .errors import UsageError
from .generate import PARAMETERS, add_configuration, port_of
from .options import add_output, verb

__all__ = ["SUMMARY", "add_parser", "run"]

SUMMARY = "write the Verilog of one configuration to a file or to standard output"

_DESCRIPTION = """Write the Verilog of one configuration: the same bytes on every machine and in
every run. `ttpoe generate` writes what belongs to it, too: port list, registers, template, core."""
_EXAMPLES = """examples:
  ttpoe emit --preset tiny -o build/rtl/ttp_engine_tiny.v
  ttpoe emit --top nic --width 128 --slots 64 > nic.v
  ttpoe emit --top port --mac gmii -o build/rtl/ttp_port.v
"""


def add_parser(subparsers):
    """The parser of `ttpoe emit`."""
    parser = verb(subparsers, "emit", SUMMARY, _DESCRIPTION, _EXAMPLES)
    add_configuration(parser, "engine")
    add_output(parser, "FILE", "file to write (standard output)")
    return parser


def run(arguments):
    """Do it; the file's name on standard output if there is one."""
    from ttpoe.verilog.emit import check_writable, module_name, top_verilog, write
    from ttpoe.verilog.generate import configuration

    port = port_of(arguments)
    changes = {name: getattr(arguments, name) for name in (*PARAMETERS, "name")}
    config = configuration(arguments.preset, changes, arguments.links)
    module = module_name(arguments.module, arguments.top)
    if arguments.output is None:
        sys.stdout.write(top_verilog(arguments.top, config, module, **port))
        return
    try:
        check_writable(arguments.output)
        write(arguments.output, top_verilog(arguments.top, config, module, **port))
    except OSError as error:
        raise UsageError(f"cannot write {error.filename}: {error.strerror}") from None
    print(arguments.output)
