"""`XgmiiTx` under cocotbext-eth's XGMII sink, and what it refuses."""

import pytest

from tests.mac import mac_bench
from ttpoe.config import Config
from ttpoe.mac.store import SLACK_BEATS, Store, beats_before_start
from ttpoe.mac.xgmii_tx import XgmiiTx

CONFIG = Config(width_bits=64)


def lengths(every):
    """Without FCS: each to the largest, or each class of them."""
    if every:
        return list(range(1, 9015))
    return [*range(1, 90), *range(1510, 1519), 9007, 9013, 9014]


def test_frames_on_the_wire(tmp_path, pytestconfig):
    """A source as fast as the wire, so a frame may begin with few beats."""
    said = mac_bench.run(
        XgmiiTx(CONFIG, start_beats=SLACK_BEATS),
        "tx",
        "xgmii_tx_cocotb",
        tmp_path,
        lengths=lengths(pytestconfig.getoption("--all-lengths")),
        shortest=60,
        start_beats=SLACK_BEATS,
    )
    assert said["mean_gap"] == 12
    assert 14.88e6 < said["frames_per_second"] < 14.881e6


def test_what_is_refused():
    with pytest.raises(ValueError, match="64 bits; got width_bits=128"):
        XgmiiTx(Config(width_bits=128))
    for depth, start in ((1, 1), (8, 9), (8, 0)):
        with pytest.raises(ValueError, match=f"got {start} of {depth}"):
            Store(CONFIG, depth, start)


def test_beats_before_start():
    assert beats_before_start(CONFIG, 9014, 156.25e6, 156.25e6, tolerance_ppm=0) == SLACK_BEATS
    assert beats_before_start(CONFIG, 9014, 156.25e6, 156.25e6) == SLACK_BEATS + 1
    assert beats_before_start(CONFIG, 9014, 500e6, 156.25e6) == SLACK_BEATS
    assert beats_before_start(CONFIG, 800, 100e6, 200e6, tolerance_ppm=0) == SLACK_BEATS + 50
    assert beats_before_start(CONFIG, 64, 10e6, 156.25e6) == 8
