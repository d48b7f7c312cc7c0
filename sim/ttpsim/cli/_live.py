"""What `ttpoe echo` and `ttpoe ping` have in common: a simulated NIC and the wire it is on."""

import argparse
import re

from ttpverif.cli.errors import UsageError
from ttpverif.cli.options import add_gbn, add_loss, add_preset, add_seed, number, path

__all__ = ["add_options", "node", "run_live"]

_OUI = "98:ed:5c:"


def node(text):
    """A node: up to 6 hexadecimal digits, or its MAC address."""
    digits = text.lower()
    if digits.startswith(_OUI):
        digits = digits.removeprefix(_OUI).replace(":", "")
    if not re.fullmatch(r"(0x)?[0-9a-f]{1,6}", digits) or int(digits, 16) == 0:
        raise argparse.ArgumentTypeError(
            "must be a node, up to 6 hexadecimal digits and not 0, or "
            f"its MAC address {_OUI}xx:xx:xx; got {text!r}"
        )
    return int(digits, 16)


def _name(text):
    if not re.fullmatch(r"[^\s/:]{1,15}", text) or text in (".", ".."):
        raise argparse.ArgumentTypeError(
            f"must be the name of an interface, 1 to 15 characters; got {text!r}"
        )
    return text


def _address(text):
    host, _, port = text.rpartition(":")
    if not re.fullmatch(r"[0-9]{1,5}", port) or not 1 <= int(port) <= 65535:
        raise argparse.ArgumentTypeError(
            f"must be HOST:PORT, the port from 1 to 65535; got {text!r}"
        )
    return host.strip("[]") or "127.0.0.1", int(port)


def _ethertype(text):
    if text.lower() not in ("0x0ac6", "0x9ac6"):
        raise argparse.ArgumentTypeError(f"must be 0x0AC6 or 0x9AC6; got {text!r}")
    return int(text, 16)


def add_options(parser, default_node):
    """The options of the NIC and of its wire."""
    wires = parser.add_argument_group("the wire, one of").add_mutually_exclusive_group(
        required=True
    )
    wires.add_argument(
        "--tap",
        metavar="NAME",
        type=_name,
        help="a TAP interface, made here and gone at the end (root)",
    )
    wires.add_argument(
        "--interface",
        metavar="NAME",
        type=_name,
        help="an interface that is there: a veth end, a port (root)",
    )
    wires.add_argument(
        "--listen",
        metavar="[HOST:]PORT",
        type=_address,
        help="TCP with QEMU's framing, for -netdev socket,connect=",
    )
    wires.add_argument(
        "--connect", metavar="HOST:PORT", type=_address, help="the same, for -netdev socket,listen="
    )
    wires.add_argument(
        "--peer",
        choices=("module",),
        dest="partner",
        help="no wire: a peer in this process that behaves as Tesla's module does",
    )
    nic = parser.add_argument_group("the NIC")
    nic.add_argument(
        "--bridge",
        metavar="NAME",
        type=_name,
        help="with --tap: a port of this bridge, made if it is not there",
    )
    nic.add_argument(
        "--os",
        metavar="NAME",
        type=_name,
        help="a TAP that is the operating system's interface of the NIC (root)",
    )
    nic.add_argument(
        "--node",
        metavar="NODE",
        type=node,
        default=default_node,
        help=f"its address, hexadecimal ({default_node:x})",
    )
    add_preset(nic, "tiny")
    nic.add_argument(
        "--ethertype",
        metavar="TYPE",
        type=_ethertype,
        default=None,
        help="of links that it opens: 0x0AC6 or 0x9AC6 (0x0AC6; ping then tries the "
        "other one if there is no link)",
    )
    add_gbn(nic)
    add_loss(nic)
    nic.add_argument(
        "--timeout",
        metavar="MS",
        type=number(10, 60_000),
        default=400,
        help="a round of the link timer while nothing else moves (400)",
    )
    nic.add_argument(
        "--retries",
        metavar="N",
        type=number(0, 1000),
        default=10,
        help="time-outs in a row that end a link; 0: never (10)",
    )
    nic.add_argument(
        "--idle-clock",
        metavar="HZ",
        type=number(1000, 10_000_000),
        default=50_000,
        help="clocks per second while nothing moves (50000)",
    )
    add_seed(nic, None, "of IDs, epochs and losses", "random")
    nic.add_argument("--pcap", metavar="FILE", type=path, help="write every frame on the wire")


def run_live(name, arguments):
    """Run the application of this name on a NIC; its exit code."""
    if arguments.bridge and not arguments.tap:
        raise UsageError(
            "--bridge goes with --tap: another interface is put on a bridge by "
            "`ip link set NAME master BRIDGE`"
        )
    if arguments.os and arguments.os == arguments.tap:
        raise UsageError(f"--os and --tap must be two interfaces; got {arguments.os} twice")
    from ttpsim.live import apps, attach

    return attach.main(getattr(apps, name), arguments)
