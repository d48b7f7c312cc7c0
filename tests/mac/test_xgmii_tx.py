"""`XgmiiTx` under cocotbext-eth's XGMII sink, and what it refuses."""

import pytest

from tests.mac import mac_bench
from ttpoe.config import Config
from ttpoe.mac.store import SLACK_BEATS
from ttpoe.mac.xgmii_tx import XgmiiTx
from ttpsim.build import builds

CONFIG = Config(width_bits=64)


def lengths(every):
    """Without FCS: each to the largest, or each class of them."""
    if every:
        return list(range(1, 9019))
    return [*range(1, 90), *range(1510, 1519), 9007, 9017, 9018]


def test_frames_on_the_wire(tmp_path, pytestconfig):
    """A source as fast as the wire, so a frame may begin with few beats."""
    every = pytestconfig.getoption("--all-lengths")
    said = mac_bench.run(
        XgmiiTx(CONFIG, start_beats=SLACK_BEATS),
        "tx",
        "xgmii_tx_cocotb",
        tmp_path,
        lengths=lengths(every),
        seconds=mac_bench.LONG_SECONDS if every else builds.SECONDS_LIMIT,
        shortest=60,
        start_beats=SLACK_BEATS,
    )
    assert said["mean_gap"] == 12
    assert 14.88e6 < said["frames_per_second"] < 14.881e6


def test_what_is_refused():
    with pytest.raises(ValueError, match="64 bits; got width_bits=128"):
        XgmiiTx(Config(width_bits=128))
