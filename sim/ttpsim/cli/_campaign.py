"""The switches that `ttpoe campaign` and `ttpoe fabric sweep` have in common."""

import argparse
import re

from ttpverif.cli.options import add_jobs, add_output, path

__all__ = ["add_campaign"]


def _scheduler(text):
    if not re.fullmatch(r"(tcp|tls|ucx|ws|wss)://\S+:[0-9]{1,5}", text):
        raise argparse.ArgumentTypeError(
            f"must be an address such as tcp://host:8786; got {text!r}"
        )
    return text


def add_campaign(parser, folder):
    """The file, and where and how its jobs are run; `folder`: where the results are by default."""
    parser.add_argument("file", metavar="FILE", type=path, help="what to run, as TOML")
    add_output(parser, "FOLDER", f"of the results ({folder})")
    add_jobs(parser)
    parser.add_argument(
        "--scheduler",
        metavar="ADDRESS",
        type=_scheduler,
        help="of Dask: run on its workers, tcp://host:8786 for example (workers of this machine)",
    )
    parser.add_argument(
        "--merge",
        metavar="FOLDER",
        type=path,
        action="append",
        default=[],
        help="take the records of another folder first; may be given several times",
    )
    parser.add_argument("--retry", action="store_true", help="run again what failed")
