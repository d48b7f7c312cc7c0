"""`ttpoe mutate --parts`: each part has a component, a bench, and a name that leads from one to the
other; and the page says what came of them."""

import dataclasses
from pathlib import Path

import pytest
from amaranth.lib import wiring

from tests.sim.mutation.test_campaign import mutant
from ttpsim.campaign.origin import origin
from ttpsim.mutation import parts
from ttpsim.mutation.benches import benches_of
from ttpsim.mutation.page import PAGE, parts_page

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize("name", parts.PARTS)
def test_a_part_is_a_component_with_a_bench(name):
    assert isinstance(parts._component(name), wiring.Component)
    found = dataclasses.replace(mutant(1), top=name, module=f"ttp_{name}_inner")
    assert found.block == f"{name}_inner"
    assert dataclasses.replace(found, module=f"ttp_{name}").block == name
    (bench,) = benches_of(found.block, parts._benches())
    assert bench.component.removeprefix("ttpoe.") == parts.PARTS[name][0]
    for test in bench.tests:
        file, _, function = test.partition("::")
        assert f"def {function.partition('[')[0] or 'test_'}" in (ROOT / file).read_text()


def entry(number, name, **more):
    found = dataclasses.replace(mutant(number), top=name, module=f"ttp_{name}")
    said = {name: getattr(found, name) for name in ("block", "source", "signal", "meaning")}
    return {**found.to_dict(), **said, "runs": {}, **more}


def test_the_page_shows_every_part():
    results = {
        "origin": origin("ttpoe mutate --parts --save", 1),
        "mutants": [
            entry(1, "gmii_tx", state="killed", by="tests/mac/test_gmii_tx.py"),
            entry(2, "gmii_tx", state="survived"),
            entry(3, "fcs", state="survived", proven_equal=True),
            entry(4, "fcs", state="left"),
        ],
    }
    text = parts_page(PAGE.read_text(), results)
    assert "**1 of 4** mutants killed" in text and "`ttpoe mutate --parts --save`" in text
    assert "| `gmii_tx` | 2 | 1 | 0 | 1 | 0 |" in text and "| `fcs` | 2 | 0 | 1 | 0 | 1 |" in text
    assert "| gmii_tx.2 |" in text and "| fcs.3 |" not in text
    assert "<!-- from build/verify/mutate.json -->" in text
