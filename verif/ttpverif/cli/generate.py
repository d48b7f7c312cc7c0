"""`ttpoe generate`: the Verilog of one configuration and all that belongs to it, in a folder."""

from .errors import UsageError
from .options import add_output, add_preset, any_base, number, one_of, verb, whole_number

__all__ = [
    "MACS",
    "PARAMETERS",
    "SUMMARY",
    "TOPS",
    "WITHOUT_MAC",
    "add_configuration",
    "add_parser",
    "port_of",
    "run",
]

SUMMARY = "write Verilog, port list, registers, template and FuseSoC core of one configuration"

_DESCRIPTION = """Write what another project needs to use the hardware: the Verilog, a port list
(Markdown and JSON), an instantiation template, Verilator waivers, a FuseSoC core and, for the
managed NIC and the port, the register map (C header, SystemRDL, Markdown).
docs/guides/integration.md says how to connect it."""
_EXAMPLES = """examples:
  ttpoe generate --top managed_nic -o build/nic
  ttpoe generate --preset full --width 512 --links 1536 --top managed_nic -o build/nic
  ttpoe generate --preset tiny --slots 64 --module my_engine -o build/engine
  ttpoe generate --top port --mac rgmii --clock-mhz 50 -o build/port
"""

PARAMETERS = {
    "width_bits": "width of every datapath: 64, 128, 256 or 512",
    "sets": "sets of the link table in each table, a power of two",
    "vc_tables": "3: a link table for each VC; 1: one for all",
    "slots": "replay slots of 1 KB, a power of two",
    "rx_slots": "receive slots of 1 KB, a power of two",
    "rx_reserved": "receive slots kept back for each VC",
    "reorder_slots": "receive slots for packets behind a gap, a power of two",
    "event_depth": "received headers that may wait, a power of two",
    "control_depth": "control frames that may wait, a power of two",
    "payload_depth": "PAYLOAD frames that may wait, a power of two",
    "congestion": "congestion control: backlog, or none, and nothing of it is built",
    "encapsulation": "forms of frame: ethernet, or ipv4, and both are known",
    "os_buffer_bytes": "room for the operating system's frames each way, a power of two",
    "protect": "check bits on every word of every memory: none or secded",
    "oui": "upper half of the MAC of every node, such as 0x98ED5C, which is Tesla's",
}
"""Parameters of `ttpoe.config.Config` that may be given; not read from there, because `--help` must
not need Amaranth. `tests/cli/test_generate.py` compares."""
_WORDS = {
    "protect": ("none", "secded"),
    "congestion": ("none", "backlog"),
    "encapsulation": ("ethernet", "ipv4"),
}


WITHOUT_MAC = ("engine", "nic", "managed_nic")
TOPS = (*WITHOUT_MAC, "port")
MACS = ("rgmii", "gmii", "xgmii", "cmac")
"""As in `ttpoe.verilog.emit` and `ttpoe.mac.kinds`."""


def port_of(arguments):
    """What was said of the MAC, as of `ttpoe.verilog.emit.port_options`."""
    from ttpoe.verilog.emit import port_options

    names = ("mac", "clock_mhz", "tx_clock_taps", "rx_clock_taps")
    return port_options(arguments.top, **{name: getattr(arguments, name) for name in names})


def add_configuration(parser, top):
    """The switches that choose what is written; `top` is the default of `--top`."""
    parser.add_argument(
        "--top",
        default=top,
        metavar="TOP",
        type=one_of(*TOPS),
        help=f"engine, nic, managed_nic or port ({top})",
    )
    parser.add_argument(
        "--mac",
        metavar="MAC",
        type=one_of(*MACS),
        help="of the port: rgmii, gmii, xgmii (64 bits) or cmac (512 bits)",
    )
    parser.add_argument(
        "--clock-mhz",
        metavar="MHZ",
        type=number(0.001, 9999, float),
        help="of the port: clock of the engine, if known; frames may then begin earlier",
    )
    for name in ("tx", "rx"):
        parser.add_argument(
            f"--{name}-clock-taps",
            metavar="N",
            type=whole_number,
            help=f"of rgmii: delay of {name.upper()}C in steps of 25 ps, 0 to 127 (none)",
        )
    add_preset(parser, of="which the following change")
    parser.add_argument(
        "--links",
        type=whole_number,
        metavar="N",
        help="links at once: 2 x vc_tables x a power of two",
    )
    for name, meaning in PARAMETERS.items():
        flags = ["--" + name.replace("_", "-")]
        if name == "width_bits":
            flags.append("--width")
        parser.add_argument(
            *flags,
            dest=name,
            help=meaning,
            type=any_base
            if name == "oui"
            else one_of(*_WORDS[name])
            if name in _WORDS
            else whole_number,
            metavar="HOW" if name in _WORDS else "N",
        )
    parser.add_argument(
        "--name", metavar="NAME", help="name of the configuration (the preset's, or custom)"
    )
    parser.add_argument(
        "--module", metavar="NAME", help="name of the top module and prefix of all others (ttp_TOP)"
    )


def add_parser(subparsers):
    """The parser of `ttpoe generate`."""
    parser = verb(subparsers, "generate", SUMMARY, _DESCRIPTION, _EXAMPLES)
    add_configuration(parser, "managed_nic")
    add_output(parser, "FOLDER", "where to write; made if it is not there", required=True)
    return parser


def run(arguments):
    """Do it; one line on standard output for each file."""
    from ttpoe.verilog.emit import check_writable
    from ttpoe.verilog.generate import configuration, package, write_package

    port = port_of(arguments)
    changes = {name: getattr(arguments, name) for name in (*PARAMETERS, "name")}
    config = configuration(arguments.preset, changes, arguments.links)
    try:
        check_writable(arguments.output / "any")
        contents = package(arguments.top, config, arguments.module, **port)
        paths = write_package(arguments.output, contents)
    except OSError as error:
        raise UsageError(f"cannot write {error.filename}: {error.strerror}") from None
    for path in paths:
        print(path)
