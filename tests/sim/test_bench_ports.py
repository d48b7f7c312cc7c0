"""Part `port` of `ttpoe bench`: two ports pin to pin in Verilator."""

from tests.long import long
from ttpsim.bench.ports import WAYS, measured

CLOCK_MHZ, BYTE_NS, SAMPLES = 109.0, 8, 6


@long
def test_nanoseconds_of_a_port():
    """More than the engine's clocks and a synchroniser's, and no more apart than the crossings can be."""
    found = measured("gmii", CLOCK_MHZ, SAMPLES)
    assert set(found) == set(WAYS)
    clock_ns = 1e3 / CLOCK_MHZ
    for way, samples in found.items():
        assert len(samples) == SAMPLES
        assert min(samples) > 12 * clock_ns + 2 * BYTE_NS, way
        assert max(samples) < 16 * clock_ns + 12 * BYTE_NS, way
        assert max(samples) - min(samples) < BYTE_NS + clock_ns, way
