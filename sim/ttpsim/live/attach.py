"""From the options of `ttpoe echo` and `ttpoe ping` to a NIC that runs, and back to nothing."""

import contextlib
import os
import signal
import sys

from ttpoe.config import preset
from ttpsim.build import builds
from ttpverif.cli import UsageError

from . import build, module_user, wires
from .nic import LiveNic, NicEnded, random_seed

__all__ = ["attached", "main"]


def _wire(options):
    """`(file descriptor, framing, what it is)`."""
    if options.tap:
        file = wires.tap(options.tap, options.bridge)
        return (
            file,
            "frames",
            f"TAP {options.tap}" + (f" on bridge {options.bridge}" if options.bridge else ""),
        )
    if options.partner:
        file, node = module_user.start(options)
        return file, "frames", f"a wire to a peer as Tesla's module, node {node:06x}"
    if options.interface:
        return wires.interface(options.interface), "frames", f"interface {options.interface}"
    host, port = options.connect or options.listen
    if options.connect:
        return wires.connect(host, port), "stream", f"TCP to {host}:{port}"
    return wires.listen(host, port), "listen", f"TCP port {port} of {host}"


@contextlib.contextmanager
def attached(options):
    """A `LiveNic` on its wire; everything that was made for it is gone afterwards."""
    with contextlib.ExitStack() as stack:
        if options.bridge:
            stack.callback(wires.bridge_left, options.bridge)
        file, framing, where = _wire(options)
        stack.callback(_close, file)
        os_file = None
        if options.os:
            os_file = wires.tap(options.os, mac=_mac(options.node))
            stack.callback(_close, os_file)
        if options.pcap:
            try:
                open(options.pcap, "wb").close()
            except OSError as error:
                raise UsageError(f"cannot write {options.pcap}: {error.strerror}") from None
        program = build.program(options.preset)
        nic = stack.enter_context(
            LiveNic(
                program,
                file,
                framing,
                preset(options.preset),
                options.node,
                ieee=options.ethertype == 0x9AC6,
                selective=not options.gbn,
                retries=options.retries,
                seed=random_seed() if options.seed is None else options.seed,
                round_clocks=options.timeout * options.idle_clock // 1000,
                idle_clock=options.idle_clock,
                loss=options.loss / 100,
                capture=options.pcap,
                os_file=os_file,
            )
        )
        _close(file)  # the program has its own: the wire ends with it
        print(
            f"NIC {_mac(options.node)}, node {options.node:06x}, preset {options.preset}, "
            f"on {where}",
            flush=True,
        )
        yield nic


def _mac(node):
    """Not Scapy's: importing it takes longer than all else here."""
    return "98:ed:5c:" + node.to_bytes(3, "big").hex(":")


def _close(file):
    with contextlib.suppress(OSError):
        os.close(file)


def _terminated(_signal, _frame):
    raise KeyboardInterrupt


def main(app, options):
    """Run `app(nic, options)`; its exit code, 130 if interrupted before it began, 1, or 2."""
    signal.signal(signal.SIGTERM, _terminated)
    try:
        with attached(options) as nic:
            return app(nic, options)
    except builds.SetupError as error:
        raise UsageError(str(error)) from None
    except (builds.BuildError, NicEnded) as error:
        print(f"ttpoe: {error}", file=sys.stderr)
        return 1
