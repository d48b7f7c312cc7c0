"""The console command `ttpoe`: finds its commands and runs one.

A command is a module of this package, or one that another package registers as an entry point of
the group `ttpoe.commands` (`ttpsim` does so for all that needs a simulator, `ttpformal` for the
proofs), with

    SUMMARY                   one line for `ttpoe --help`
    CHECKOUT                  True if it needs a checkout of the repository; may be missing
    add_parser(subparsers)    adds and returns its parser; the name is the module's
    run(arguments)            does it; returns the exit code, or None for 0

The module itself imports only the standard library and this package: what is big, or may be
missing, is imported in `run`. Exit codes: 0 right, 1 something is wrong (`Failed`, with one line),
2 used wrong (`UsageError`, with one line), 130 interrupted.
"""

import argparse
import errno
import importlib
import os
import signal
import sys
from importlib import metadata

from . import checkout
from .errors import Failed, UsageError

__all__ = ["Failed", "UsageError", "commands", "main"]

_OWN = ("emit", "generate", "ladder", "model")

_EXAMPLES = """examples:
  ttpoe generate --preset full --links 1536 -o build/nic
  ttpoe model --loss 5
  ttpoe sim loss.5pct --seed 7
  ttpoe ladder build/sim/runs/loss.5pct-verilator-default-1/wire.pcap
  ttpoe echo --tap ttp1 --bridge br-ttp
  ttpoe COMMAND --help
"""


class _Parser(argparse.ArgumentParser):
    """Bad input is a `UsageError` that names the command."""

    def error(self, message):
        message = message.replace("ignored explicit argument", "takes no value; got")
        error = UsageError(f"{message}; try `{self.prog} --help`")
        error.prog = self.prog
        raise error

    def parse_known_args(self, args=None, namespace=None):
        namespace, unknown = super().parse_known_args(args, namespace)
        if unknown:
            self.error(f"it does not take {' '.join(map(repr, unknown))}")
        return namespace, unknown


def _modules():
    """{name: module's name} of every command, in the order of their names."""
    found = {name: f"{__name__}.{name}" for name in _OWN}
    found |= {point.name: point.value for point in metadata.entry_points(group="ttpoe.commands")}
    return dict(sorted(found.items()))


def commands(only=None):
    """{name: module} of every command, or of the one called `only` if there is one."""
    names = _modules()
    return {
        name: importlib.import_module(names[name]) for name in ([only] if only in names else names)
    }


def version():
    """Version of the package that is installed."""
    try:
        return metadata.version("ttpoe")
    except metadata.PackageNotFoundError:
        return "(not installed)"


def _parser(found):
    parser = _Parser(
        prog="ttpoe",
        allow_abbrev=False,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description="Tools around the TTP engine (Tesla Transport Protocol).",
    )
    parser.add_argument("--version", action="version", version=f"ttpoe {version()}")
    subparsers = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for module in found.values():
        module.add_parser(subparsers)
    return parser


def _quiet_end():
    """The reader of our output went away (`| head`): say nothing more, here or at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _config_error():
    """The hardware's error about a configuration, if anything has imported it; or no error."""
    module = sys.modules.get("ttpoe.config")
    return module.ConfigError if module else ()


def _terminate(_signal, _frame):
    raise KeyboardInterrupt


class _Command:
    """What was asked for; `prog` is what to call it in a message, from when it is known."""

    prog: str | None = None

    def run(self, words):
        """Parse and do it; returns the exit code."""
        found = commands(words[0] if words else None)
        arguments = _parser(found).parse_args(words)
        self.prog = f"ttpoe {arguments.command}"
        module = found[arguments.command]
        if getattr(module, "CHECKOUT", False):
            checkout.enter(words)
        code = module.run(arguments) or 0
        sys.stdout.flush()
        return code

    def say(self, text, code, prog=None):
        """The one line of an error; returns its exit code."""
        if code == 130 and sys.stderr.isatty():
            print(file=sys.stderr)  # after the ^C
        print(f"{self.prog or prog or 'ttpoe'}: {text}", file=sys.stderr)
        return code


def main(argv=None):
    """Command line; returns the exit code."""
    if argv is None:  # as a program: `kill` ends it as Ctrl-C does
        signal.signal(signal.SIGTERM, _terminate)
    command = _Command()
    try:
        return command.run(sys.argv[1:] if argv is None else list(argv))
    except UsageError as error:
        return command.say(str(error), 2, error.prog)
    except Failed as error:
        return command.say(str(error), 1)
    except _config_error() as error:
        return command.say(str(error), 2)
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package in ("ttpverif", "ttpoe", "ttpsim", "ttpformal"):
            raise
        return command.say(f"the Python package {package} is missing: pip install {package}", 2)
    except OSError as error:
        if error.errno == errno.EPIPE:
            _quiet_end()
            return 0
        return command.say(f"{error.filename or 'output'}: {error.strerror}", 2)
    except KeyboardInterrupt as error:
        return command.say(f"interrupted{f'; {error}' if str(error) else ''}", 130)
