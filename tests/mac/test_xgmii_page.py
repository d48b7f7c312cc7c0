"""What docs/design/xgmii.md says of beats; `test_xgmii_mac` compares its clocks."""

import re

import pytest

from tests.mac.xgmii_page import table
from ttpoe.config import Config
from ttpoe.mac.store import beats_before_start

WIRE_HZ, LONGEST = 156.25e6, 9014


@pytest.mark.parametrize("row, said", table("engine's clock, wire at 156.25 MHz").items())
def test_beats_before_the_longest_frame_begins(row, said):
    if row.startswith("not said"):
        assert said.startswith("all")
        return
    mhz = float(re.match(r"[\d.]+", row)[0])
    assert int(said) == beats_before_start(Config(width_bits=64), LONGEST, mhz * 1e6, WIRE_HZ)
