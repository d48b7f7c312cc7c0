"""Without `Config.congestion` nothing of the law is built, whatever the registers say."""

from tests.emitted import emitted
from ttpoe.config import preset
from ttpoe.csr.registers import register_map

NONE = preset("tiny").replace(congestion="none")


def test_no_block_of_it_is_in_the_verilog():
    with_it, without = (emitted("engine", config) for config in (preset("tiny"), NONE))
    assert "congestion_law" in with_it and "congestion_law" not in without
    assert "congestion_gate" not in without


def test_the_register_says_that_it_is_off():
    control = next(r for r in register_map(NONE).registers if r.name == "CONTROL")
    assert next(f for f in control.fields if f.name == "congestion").reset == 0
