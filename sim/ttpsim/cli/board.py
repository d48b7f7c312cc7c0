"""`ttpoe board`: a port on an FPGA board: its bitstream, and what is said to it."""

import sys

from ttpverif.cli.errors import UsageError
from ttpverif.cli.options import add_jobs, add_preset, add_seed, number, one_of, path, verb

from ._live import node

__all__ = ["CHECKOUT", "SUMMARY", "add_parser", "run"]

SUMMARY = "a port on an FPGA board: its bitstream, its registers over the UART, ping, throughput"
CHECKOUT = True
APPS = ("echo", "traffic", "bridge")
"""As in `ttpoe.board.registers`, which needs Amaranth."""

_DESCRIPTION = """Make the bitstream of a board: the port with RGMII, registers over the UART, LEDs,
and an application: `echo` sends back what it is sent, `traffic` sends to a node and checks what
comes back, `bridge` sends what comes over the UART and hands over what arrives. The clocks that
were reached are printed beside those that the board needs; exit code 1 if one is missed. With
--talk nothing is made: the board on a serial device is asked. --netlist simulates what synthesis
made of the board, with a peer, a PHY and a UART, under loss. See docs/guides/boards.md."""
_EXAMPLES = """examples:
  ttpoe board --list
  ttpoe board ecpix5 --app traffic
  ttpoe board colorlight-5a-75b --node 2
  ttpoe board ecpix5 --talk /dev/ttyUSB1 --ping 2
  ttpoe board ecpix5 --preset tiny --netlist
"""


def add_parser(subparsers):
    """The parser of `ttpoe board`."""
    parser = verb(subparsers, "board", SUMMARY, _DESCRIPTION, _EXAMPLES, CHECKOUT)
    parser.add_argument(
        "name", metavar="NAME", nargs="?", type=str, help="the board, one of --list"
    )
    parser.add_argument("--list", action="store_true", help="name the boards, and do nothing else")
    parser.add_argument(
        "--app",
        metavar="NAME",
        type=one_of(*APPS),
        default="echo",
        help="application: echo, traffic or bridge (echo)",
    )
    add_preset(parser, None)
    parser.add_argument(
        "--clock-mhz",
        metavar="MHZ",
        type=number(1, 400, float),
        help="clock of the engine, which the PLL must be able to make (the board's own)",
    )
    parser.add_argument(
        "--baud",
        metavar="N",
        type=number(1200, 20_000_000),
        default=115_200,
        help="of the UART (115200)",
    )
    parser.add_argument(
        "--node", metavar="NODE", type=node, default=1, help="this node, hexadecimal (1)"
    )
    add_seed(parser, of="the first placement follows from it")
    parser.add_argument(
        "--seeds",
        metavar="N",
        type=number(1, 64),
        default=1,
        help="placed and routed so often; the best is taken (1)",
    )
    add_jobs(parser, 1, of="placements")
    parser.add_argument(
        "--talk", metavar="DEVICE", type=path, help="ask the board on this serial device"
    )
    parser.add_argument(
        "--ping",
        metavar="NODE",
        type=node,
        help="of --talk: a node that echoes; ping it and measure the throughput, from a board with "
        "the application traffic",
    )
    parser.add_argument(
        "--send",
        metavar="NODE",
        type=node,
        help="of --talk: send each line of the input to this node, and print the packets that come, "
        "with a board with the application bridge",
    )
    parser.add_argument(
        "--count",
        metavar="N",
        type=number(1, 10**9),
        default=1000,
        help="of --ping: packets (1000)",
    )
    parser.add_argument(
        "--netlist", action="store_true", help="simulate the synthesised netlist, with preset tiny"
    )
    parser.add_argument(
        "--save", action="store_true", help="keep what came out as the figures of the pages"
    )
    return parser


def run(arguments):
    """Do it; the exit code."""
    from ttpsim.board import build

    if arguments.list:
        print("\n".join(build.listed()))
        return 0
    if arguments.name is None:
        raise UsageError("name a board, or say --list")
    for switch in ("ping", "send"):
        if getattr(arguments, switch) is not None and arguments.talk is None:
            raise UsageError(f"--{switch} goes with --talk")
    if arguments.talk is not None:
        from ttpoe.board.boards import board_of
        from ttpsim.board.link import BoardLink, opened
        from ttpsim.board.messages import send_lines
        from ttpsim.board.talk import talk

        board_of(arguments.name)
        with opened(arguments.talk, arguments.baud) as port:
            link = BoardLink(port)
            if arguments.send is not None:
                return send_lines(link, arguments.send, sys.stdin.buffer)
            return talk(link, arguments.ping, arguments.count)
    design = build.Design(
        arguments.name,
        arguments.app,
        arguments.preset,
        arguments.clock_mhz,
        arguments.baud,
        arguments.node,
    )
    if arguments.netlist:
        from ttpsim.board.netlist import simulated

        return simulated(design, arguments.seed, arguments.save)
    seeds = range(arguments.seed, arguments.seed + arguments.seeds)
    return build.main(design, seeds, arguments.jobs, arguments.save)
