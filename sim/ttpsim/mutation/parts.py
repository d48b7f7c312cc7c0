"""Blocks that no top of `tiny` has: those of the MACs and of the IPv4 form.

Each is mutated alone, and the bench that it has in `make test` is what must notice. It runs on the
block's netlist, as in `benches`.
"""

import importlib

from ttpoe.config import preset
from ttpsim.campaign.origin import origin
from ttpsim.mutation.benches import Bench, benches_of
from ttpsim.mutation.campaign import Campaign
from ttpsim.mutation.netlist import clean, draw
from ttpsim.paths import ROOT

__all__ = ["PARTS", "RESULTS", "run_parts"]

RESULTS = ROOT / "build" / "verify" / "mutate-parts.json"
_IPV4 = preset("tiny").replace(name="tiny_ipv4", encapsulation="ipv4")
_DATAGRAMS = tuple(
    f"rx/test_datagram.py::{test}[{case}]"
    for test, case in (
        ("test_the_table_of_datagrams", "8"),
        ("test_both_forms_back_to_back", "8"),
        ("test_random_frames", "8-0.0"),
    )
)

# Name: (component, what it is built with, the tests that build it).
PARTS = {
    "datagram_match": ("rx.datagram:DatagramMatch", (_IPV4,), _DATAGRAMS),
    "datagram_checks": ("rx.datagram:DatagramChecks", (_IPV4,), _DATAGRAMS),
    "frame_builder": (
        "tx.builder:FrameBuilder",
        (_IPV4,),
        (
            "tx/test_datagram.py::test_control_frames_of_both_forms[64]",
            "tx/test_datagram.py::test_payloads_of_both_forms[64]",
        ),
    ),
    "gmii_tx": ("mac.gmii_tx:GmiiTx", (), ("mac/test_gmii_tx.py",)),
    "gmii_rx": ("mac.gmii_rx:GmiiRx", (), ("mac/test_gmii_rx.py",)),
    "nibble_tx": ("mac.mii:NibbleTx", (), ("mac/test_mii.py",)),
    "nibble_rx": ("mac.mii:NibbleRx", (), ("mac/test_mii.py",)),
    "mdio": ("mac.mdio:Mdio", (), ("mac/test_mdio.py",)),
    "fcs": ("mac.fcs:Fcs", (), ("mac/test_fcs.py",)),
    "xgmii_gap": ("mac.xgmii_gap:XgmiiGap", (), ("mac/test_xgmii_gap.py",)),
    "xgmii_align": ("mac.xgmii_align:XgmiiAlign", (), ("mac/test_xgmii_align.py",)),
    "xgmii_fault": ("mac.xgmii_fault:XgmiiFault", (), ("mac/test_xgmii_fault.py",)),
}


def _component(name):
    path, arguments, _tests = PARTS[name]
    module, found = path.split(":")
    return getattr(importlib.import_module(f"ttpoe.{module}"), found)(*arguments)


def _benches():
    return [
        Bench(name, f"ttpoe.{path}", tuple(f"tests/{test}" for test in tests))
        for name, (path, _arguments, tests) in PARTS.items()
    ]


def run_parts(arguments, say):
    """The campaign of all parts, to its end; the `Campaign`."""
    folder = RESULTS.parent / "mutate"
    sizes = {
        (name, module): cells
        for name in PARTS
        for module, cells in clean(folder / name, _component(name), f"ttp_{name}").items()
    }
    drawn = draw(folder, sizes, arguments.count, arguments.seed)
    # Nothing is compiled: the texts say whether earlier results are of the same netlists.
    netlists = {name: (folder / name / "clean.il").read_text() for name in drawn}
    settings = {
        "seed": arguments.seed,
        "count": sum(map(len, drawn.values())),
        "origin": origin("ttpoe mutate --parts --save", arguments.seed),
    }
    table = _benches()
    campaign = Campaign(
        _IPV4,
        drawn,
        netlists,
        RESULTS,
        settings,
        say,
        killers={name: [] for name in drawn},
        benches=lambda block: benches_of(block, table),
    )
    for mutant in campaign.results["mutants"]:
        mutant.setdefault("first", "tests/")  # benches before proofs: they are quicker here
    campaign.execute(arguments.jobs)
    return campaign
