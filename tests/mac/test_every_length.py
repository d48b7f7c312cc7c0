"""Every length that there is through a MAC, both ways, as a native program.

All of them, with XGMII from both lanes in which a frame may begin, take half a minute:

    pytest tests/mac/test_every_length.py
"""

import pytest

from tests.long import long, long_case
from ttpoe.mac.ethernet import FCS_BYTES, LONGEST_BYTES
from ttpsim.build import builds
from ttpsim.lengths import run as lengths
from ttpsim.native.mac_side import side_verilog

LONGEST = LONGEST_BYTES - FCS_BYTES
LANES = {"gmii": ["0"], "xgmii": ["0", "4"]}
CASES = ["xgmii", long_case("gmii")]


@pytest.mark.parametrize("kind", CASES)
def test_every_length(kind):
    """1 to 9,018 bytes without FCS: received from each lane, those under 60 as runts; sent once."""
    program = lengths.program(kind, builds.Processes())
    said, found = lengths.run(program, 1, LONGEST)
    assert said == ""
    assert found["received_from_lane"] == dict.fromkeys(LANES[kind], LONGEST)
    assert found["received"] == LONGEST * len(LANES[kind])
    assert found["runts"] == 59 * len(LANES[kind])
    assert found["sent"] == LONGEST and found["sent_bytes"] == LONGEST * (LONGEST + 1) // 2
    if kind == "xgmii":
        assert set(found["sent_from_lane"]) == {"0", "4"} and len(found["sent_to_lane"]) == 8
        mean = sum(int(gap) * count for gap, count in found["gaps"].items()) / (LONGEST - 1)
        assert 11.999 < mean <= 12
    else:
        assert found["gaps"] == {"12": LONGEST - 1}


@pytest.mark.parametrize("kind", CASES)
def test_one_byte_more_is_too_long(kind):
    program = lengths.program(kind, builds.Processes())
    said, _found = lengths.run(program, LONGEST - 2, LONGEST + 1)
    assert "came with an error" in said


# The longest length is compared in too few bits.
DEFECTS = {
    "gmii": ("count == 14'h233e", "count[11:0] == 12'h33e", "came with an error"),
    "xgmii": ("here == 11'h467", "here[9:0] == 10'h067", "came with an error"),
}


@long
@pytest.mark.parametrize("kind", DEFECTS)
def test_a_defect_of_one_length_is_found(kind):
    old, new, words = DEFECTS[kind]
    text = side_verilog(kind)
    assert text.count(old) == 1
    program = lengths.program(kind, builds.Processes(), text.replace(old, new))
    assert words in lengths.run(program, 1, LONGEST)[0]
