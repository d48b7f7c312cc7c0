"""`ttpoe synth`: synthesis, place and route with open tools."""

from ttpverif.cli.options import add_jobs, add_preset, number, one_of, verb

__all__ = ["CHECKOUT", "SUMMARY", "add_parser", "run"]

SUMMARY = "synthesise, place and route the engine with open tools"
CHECKOUT = True
_TARGETS = (
    "ecp5",
    "xilinx",
    "ice40",
    "osu018",
    "ecpix5",
    "liteeth",
    "mac",
    "liteeth_mac",
    "xgmii_mac",
)

_DESCRIPTION = """Synthesise the engine:
  ecp5      ECP5-85F, placed and routed for 125 MHz
  xilinx    UltraScale+: area, longest path, an estimated clock
  ice40     does it fit an HX8K or UP5K
  osu018    gates of a 180 nm library, and OpenSTA
  ecpix5    the soak of two engines on a board, to a bitstream
  liteeth   LiteEth's UDP core, for comparison, as ecp5
  mac       the MAC for GMII, as ecp5; liteeth_mac: LiteEth's, for comparison
  xgmii_mac the MAC for XGMII, as xilinx
Figures are added to build/synth/summary.json. Where the clock of three seeds or more falls by more than
2 % against the figures saved last, or the area grows by that, it says so and ends with 1."""
_EXAMPLES = """examples:
  ttpoe synth
  ttpoe synth --target xilinx --preset full
  ttpoe synth --protect secded
  ttpoe synth --congestion none
  ttpoe synth --sweep links
  ttpoe synth --seeds 8 --jobs 2
"""


def add_parser(subparsers):
    """The parser of `ttpoe synth`."""
    parser = verb(subparsers, "synth", SUMMARY, _DESCRIPTION, _EXAMPLES, CHECKOUT)
    parser.add_argument(
        "--target",
        metavar="NAME",
        type=one_of(*_TARGETS),
        default="ecp5",
        help=f"{', '.join(_TARGETS[:-1])} or {_TARGETS[-1]} (ecp5)",
    )
    add_preset(parser, None)
    parser.add_argument(
        "--protect",
        metavar="HOW",
        type=one_of("none", "secded"),
        help="check bits on every word of every memory: none or secded (none)",
    )
    parser.add_argument(
        "--congestion",
        metavar="HOW",
        type=one_of("none", "backlog"),
        help="congestion control: backlog, or none, and nothing of it is built (backlog)",
    )
    parser.add_argument(
        "--part",
        metavar="NAME",
        type=one_of("5g", "plain"),
        default="5g",
        help="of ecp5: 5g or plain, LFE5UM5G or LFE5U (5g)",
    )
    parser.add_argument(
        "--seeds",
        metavar="N",
        type=number(1, 64),
        default=1,
        help="of ecp5: placed and routed so often, the clock is the median (1)",
    )
    add_jobs(parser, 1)
    parser.add_argument(
        "--sweep",
        metavar="WHAT",
        type=one_of("links"),
        help="links: `default` for ECP5 with 16 to 16,384 links",
    )
    return parser


def run(arguments):
    """Do it; the exit code."""
    from ttpsim.synth.run import main

    return main(arguments)
