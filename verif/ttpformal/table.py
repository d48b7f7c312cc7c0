"""All proofs, by name, in the order in which they run."""

import importlib

from .proof import Proof

__all__ = ["load"]

_FILES = (
    "stream",
    "secded",
    "memory",
    "link",
    "tag",
    "zero",
    "congestion",
    "law",
    "controlled",
    "enter",
    "arbitrate",
    "pipeline",
    "victim",
    "reorder",
    "background",
    "replay",
    "tx",
    "builder",
    "transmit",
    "path",
    "rx",
    "datagram",
    "pool",
    "receive",
    "nic",
    "csr",
    "ends",
    "mac",
    "crossing",
    "xgmii",
    "xgmii_store",
)


def load(*files):
    """{name: proof class}, of all files or of those named.

    A name is file.class in lower case with underscores.
    """
    proofs = {}
    for file in files or _FILES:
        try:
            module = importlib.import_module(f"ttpformal.proofs.{file}")
        except ModuleNotFoundError as error:
            if error.name != f"ttpformal.proofs.{file}":
                raise
            continue
        for value in vars(module).values():
            if (
                isinstance(value, type)
                and issubclass(value, Proof)
                and value.shows
                and value.__module__ == module.__name__
            ):
                words = "".join("_" + c.lower() if c.isupper() else c for c in value.__name__)
                proofs[f"{file}.{words.strip('_')}"] = value
    return proofs
