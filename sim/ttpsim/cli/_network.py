"""Switches that `ttpoe fabric`, `packet` and `compare` have in common: traffic over a network."""

from ttpverif.cli.options import add_gbn, add_loss, add_preset, add_seed, number, one_of, path

__all__ = ["add_files", "add_network", "add_numbers", "add_traffic"]


def add_traffic(parser, traffic, meaning):
    """`--traffic`, one of these names, and the seed of what is random about it."""
    parser.add_argument(
        "--traffic",
        metavar="NAME",
        type=one_of(*traffic),
        default="incast",
        help=f"{meaning} (incast)",
    )
    add_seed(parser)


def add_numbers(parser, settings):
    """A switch for each setting: name -> smallest, largest, default, meaning."""
    for name, (low, high, default, words) in settings.items():
        parser.add_argument(
            f"--{name}",
            metavar="N",
            type=number(low, high),
            default=default,
            help=f"{words} ({default})",
        )


def add_network(parser, settings, traffic, meaning):
    """Who sends what, and over which network.

    settings : as of `add_numbers`. traffic : the names; `meaning` says what they are.
    """
    add_preset(parser)
    add_traffic(parser, traffic, meaning)
    add_loss(parser, high=100, of="of the frames on each cable that are lost")
    add_gbn(parser)
    parser.add_argument(
        "--cut-through",
        action="store_true",
        help="switches send a frame on before they have all of it",
    )
    add_numbers(parser, settings)
    parser.add_argument(
        "--congestion",
        metavar="HOW",
        type=one_of("on", "off"),
        default="on",
        help="whether engines offer congestion control, if they have it (on)",
    )
    parser.add_argument(
        "--seeds",
        metavar="N",
        type=number(1, 1000),
        default=1,
        help="run N seeds from --seed on; tell mean and spread (1)",
    )


def add_files(parser, **more):
    """Files that a run writes; `more`: switch=meaning."""
    files = {
        "samples": "write queue and senders every 256 clocks, as CSV",
        "plot": "draw that: .svg, .png or .pdf",
        "order": "write each packet's arrival, as CSV",
    }
    for name, meaning in (files | more).items():
        parser.add_argument(f"--{name}", metavar="FILE", type=path, help=meaning)
