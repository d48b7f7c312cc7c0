"""The NIC and the port as modules of LiteX: `ttpoe.litex.cores`. Needs LiteX and LiteEth."""

import importlib.util

for _package in ("litex", "liteeth"):
    if importlib.util.find_spec(_package) is None:
        raise ImportError(
            f"ttpoe.litex needs the Python package {_package}: pip install litex==2024.12 "
            "liteeth==2024.12 migen==0.10.0"
        )
