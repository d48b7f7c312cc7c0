"""Tables of what a run of many engines costs, and the model of many cores."""

import pytest

from ttpsim.pages import fabric_speed, figures


@pytest.fixture
def measured(monkeypatch):
    """The committed figures, with these changes; None: the figure is not there."""

    def change(**changes):
        found = figures.baseline() | {f"fabric_speed.{k}": v for k, v in changes.items()}
        found = {name: value for name, value in found.items() if value is not None}
        monkeypatch.setattr(figures, "baseline", lambda: found)

    return change


def test_the_model_follows_from_the_figures(measured):
    """64 engines x 32 clocks at 2,048,000 a second are 1 ms; 15 messages of 2 us, and 0.02 ms."""
    measured(ring_lanes=2_048_000, exchange_us_low=20.0)
    said = fabric_speed.model()
    assert "above | 1.00 ms |" in said and "| 0.020 ms |" in said and "| 0.030 ms |" in said
    assert "| efficiency | 95 % |" in said  # of 1.05 ms
    assert "| clocks per second | 30,500 |" in said and "| a million clocks | 33 s |" in said


def test_without_open_mpi_the_page_says_so(measured):
    measured(exchange_us=None)
    assert fabric_speed.model() == "The exchange is not measured: Open MPI was not there."
    assert fabric_speed.costs().count("not measured: Open MPI was not there") == 2


def test_ways_are_compared_with_engines_one_by_one(measured):
    measured(ring_one_by_one=400_000, ring_lanes=1_234_567, ring_lanes_low=1, ring_lanes_high=2)
    assert "| as lanes of 64 | 1,230,000 (1 to 2) | 3.1 |" in fabric_speed.ways()
