"""The console command `ttpoe`: finds its sub-commands and runs one.

A sub-command is a module of this package, or one that another package registers as an entry point of
the group `ttpoe.commands` (`ttpsim` does so for all that needs a simulator), with

    SUMMARY                   one line for `ttpoe --help`
    add_parser(subparsers)    adds and returns its parser; the name is the module's
    run(arguments)            does it; returns the exit code, or None for 0

The module itself imports only the standard library: what is big, or may be missing, is imported
in `run`. For bad input it raises `UsageError` with one line.
"""

import argparse
import errno
import importlib
import os
import sys
from importlib import metadata

from .errors import UsageError

__all__ = ["UsageError", "commands", "main"]

_OWN = ("generate", "ladder", "model")

_EXAMPLES = """examples:
  ttpoe generate --preset full --links 1536 -o build/nic
  ttpoe model --loss 5
  ttpoe sim loss.5pct --seed 7
  ttpoe ladder build/sim/runs/loss.5pct-verilator-default-1/wire.pcap
  ttpoe ladder capture.pcapng -o page.html
  ttpoe echo --tap ttp1 --bridge br-ttp
  ttpoe COMMAND --help
"""


class _Parser(argparse.ArgumentParser):
    def error(self, message):
        raise UsageError(f"{message}; try `{self.prog} --help`")


def commands():
    """{name: module} of every sub-command, in the order of their names."""
    found = {name: f"{__name__}.{name}" for name in _OWN}
    found |= {point.name: point.value for point in metadata.entry_points(group="ttpoe.commands")}
    return {name: importlib.import_module(found[name]) for name in sorted(found)}


def _parser(found):
    parser = _Parser(prog="ttpoe", allow_abbrev=False, epilog=_EXAMPLES,
                     formatter_class=argparse.RawDescriptionHelpFormatter,
                     description="Tools around the TTP engine (Tesla Transport Protocol).")
    subparsers = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for module in found.values():
        module.add_parser(subparsers)
    return parser


def _quiet_end():
    """The reader of our output went away (`| head`): say nothing more, here or at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def main(argv=None):
    """Command line; returns the exit code: what the sub-command says, or 2 for bad input."""
    found, name = commands(), "ttpoe"
    try:
        arguments = _parser(found).parse_args(argv)
        name = f"ttpoe {arguments.command}"
        code = found[arguments.command].run(arguments)
        sys.stdout.flush()
        return code or 0
    except UsageError as error:
        print(f"{name}: {error}", file=sys.stderr)
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package in ("ttpverif", "ttpoe"):
            raise
        print(f"{name}: the Python package {package} is missing: pip install {package}",
              file=sys.stderr)
    except BrokenPipeError:
        _quiet_end()
        return 0
    except OSError as error:
        if error.errno == errno.EPIPE:
            _quiet_end()
            return 0
        print(f"{name}: {error.filename or 'output'}: {error.strerror}", file=sys.stderr)
    except KeyboardInterrupt:
        return 130
    return 2
