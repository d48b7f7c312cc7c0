"""What the campaign makes of its runs: kills, survivors, going on, and a control that fails."""

import json
from pathlib import Path

import pytest

from tests.ttpoe_process import refused
from ttpoe.config import preset
from ttpsim.campaign.origin import origin
from ttpsim.mutation import benches, campaign, page
from ttpsim.mutation.killers import Killer, Outcome
from ttpsim.mutation.netlist import Mutant

ROOT = Path(__file__).resolve().parents[3]
(POOL,) = benches.benches_of("rx_pool", [b for b in benches.BENCHES if b.block == "rx_pool"])
LOSS, CELLS, NIC = Killer("loss.5pct"), Killer("cells"), Killer("nic")


def mutant(number):
    return Mutant(
        number,
        "engine",
        "inv",
        "ttp_engine_core_rx",
        f"${number}",
        "A",
        0,
        None,
        f"bit[{number}]",
        ["rtl/ttpoe/rx/path.py:1"],
    )


@pytest.fixture
def begin(tmp_path, monkeypatch):
    """`begin(killers, deaths)`: a campaign on three mutants; `deaths`: {(number, test)} found.
    `equal`: numbers of those proven to change nothing; `benches` of their block."""
    monkeypatch.setattr(campaign.Campaign, "compiled", lambda self, top: "build")

    def begin(killers, deaths, control="passed", equal=(), benches=(), netlist="module"):
        said, ran = [], []

        def run_killer(selected, killer, config, top, folder, processes):
            ran.append((selected.number, killer.test))
            dies = (selected.number, killer.test) in deaths
            state = control if selected.number == 0 else "failed" if dies else "passed"
            if selected.number:
                assert selected.limit_clocks == 2 * 100 + 10_000
            return Outcome(state, "why", False, {"clocks": 100}, 0.1)

        def run_bench(bench, folder, processes, tests=None, mutant=None, clean=None):
            ran.append((mutant.number if mutant else 0, "bench"))
            if mutant is None:
                return {"tests/rx/test_pool.py::test": 50}
            assert tests == {"tests/rx/test_pool.py::test": 50}
            dies = (mutant.number, "bench") in deaths
            return ("tests/rx/test_pool.py::test", "why") if dies else (None, "")

        def prove(place, mutant):
            ran.append((mutant.number, "proof"))
            return mutant.number in equal

        monkeypatch.setattr(campaign, "run_killer", run_killer)
        monkeypatch.setattr(campaign, "run_bench", run_bench)
        done = campaign.Campaign(
            preset("tiny"),
            {"engine": [mutant(n) for n in (1, 2, 3)]},
            {"engine": netlist},
            tmp_path / "mutate.json",
            {"seed": 1, "count": 3},
            said.append,
            {"engine": killers},
            lambda block: benches,
            prove,
        )
        done.execute(1)
        return done.results, ran, said

    return begin


def test_the_first_that_fails_ends_it(begin):
    results, ran, said = begin([LOSS, CELLS], {(1, "loss.5pct"), (2, "cells")})
    assert [m["state"] for m in results["mutants"]] == ["killed", "killed", "survived"]
    assert [m.get("by") for m in results["mutants"]] == ["loss.5pct", "cells", None]
    assert ran == [
        (0, "loss.5pct"),
        (1, "loss.5pct"),
        (2, "loss.5pct"),
        (3, "loss.5pct"),
        (0, "cells"),
        (2, "cells"),
        (3, "cells"),
        (3, "proof"),
    ]
    assert results["summary"] == {"killed": 2, "survived": 1, "left": 0}
    assert said[-1].endswith("rx/path.py:1 bit[3] inverted: SURVIVED")


def test_a_survivor_meets_new_killers_only(begin):
    begin([LOSS], {(1, "loss.5pct")})
    results, ran, _said = begin([LOSS, CELLS], {(3, "cells")})
    assert ran == [(0, "cells"), (2, "cells"), (3, "cells")]
    assert results["summary"] == {"killed": 2, "survived": 1, "left": 0}


def test_what_is_proven_to_change_nothing_meets_the_short_killers_only(begin, monkeypatch):
    monkeypatch.setattr(campaign, "SHORT", 2)
    killers = [LOSS, CELLS, NIC]
    results, ran, said = begin(killers, {(1, "loss.5pct"), (2, "nic")}, equal=[3])
    assert ran[-4:] == [(2, "proof"), (3, "proof"), (0, "nic"), (2, "nic")]
    assert results["mutants"][2]["proven_equal"] and results["mutants"][2]["state"] == "survived"
    assert "inverted: proven to change nothing" in "\n".join(said)


def test_survivors_meet_the_bench_of_their_block(begin):
    results, ran, said = begin([LOSS], {(1, "loss.5pct"), (2, "bench")}, benches=[POOL])
    assert ran[-3:] == [(0, "bench"), (2, "bench"), (3, "bench")]
    assert [m["state"] for m in results["mutants"]] == ["killed", "killed", "survived"]
    assert results["mutants"][1]["by"] == "tests/rx/test_pool.py::test"
    _results, ran, _said = begin([LOSS], set(), benches=[POOL])
    assert ran == []  # everything has been met


def test_with_another_netlist_what_killed_a_mutant_comes_first(begin):
    begin([LOSS, CELLS], {(1, "loss.5pct"), (2, "cells"), (3, "bench")}, benches=[POOL])
    results, ran, _said = begin(
        [LOSS, CELLS], {(2, "cells"), (3, "bench")}, benches=[POOL], netlist="another"
    )
    assert ran == [
        (0, "bench"),
        (3, "bench"),
        (0, "loss.5pct"),
        (1, "loss.5pct"),
        (0, "cells"),
        (2, "cells"),
        (1, "cells"),
        (1, "proof"),
        (1, "bench"),
    ]
    assert [m["state"] for m in results["mutants"]] == ["survived", "killed", "killed"]


def test_nothing_is_said_about_mutants_if_the_control_fails(begin):
    with pytest.raises(campaign.ControlFailed, match="loss.5pct fails without a mutant: why"):
        begin([LOSS], {(1, "loss.5pct")}, control="failed")


def test_page(begin, tmp_path):
    results, _ran, _said = begin([LOSS], {(1, "loss.5pct")})
    results["origin"] = origin("ttpoe mutate --save", 1)
    known = tmp_path / "survivors.toml"
    entry = '[[survivor]]\ntop = "engine"\nnumber = 2\nverdict = "equivalent"\nwhy = "Never."\n'
    known.write_text(f'netlist = "{results["netlist"]}"\n{entry}')
    text = page.page(f"before\n{page.BEGIN}\nold\n{page.END}\nafter\n", results, known)
    assert text.startswith("before\n") and text.endswith("\nafter\n") and "old" not in text
    assert "`ttpoe mutate --save`" in text
    assert "**1 of 3** mutants killed (33.3 %)" in text and "**50.0 %**" in text
    assert "| engine: rx | 3 | 1 | 1 | 1 | 0 |" in text
    assert "`bit[2]` inverted | equivalent | Never. |" in text
    assert "`bit[3]` inverted | not yet looked at |" in text
    assert "mutants are not decided" not in text
    results["mutants"][2].update(state="left", runs={"cells abc": {}})
    text = page.page(text, results, known)
    assert "**50.0 %** so far, and 100.0 % at most" in text
    assert "**1 mutants are not decided**" in text
    assert "`bit[3]` inverted | `cells` |" in text
    results["mutants"][2]["state"] = "survived"
    # Explanations are of one netlist only.
    known.write_text(f'netlist = "another"\n{entry}')
    assert page.equivalent(results, known) == []


def test_the_key_of_a_killer_follows_the_scenario():
    keys = {
        Killer("loss.5pct").key(),
        Killer("loss.5pct", {"loss": 0.3}).key(),
        Killer("loss.5pct", seed=2).key(),
        Killer("loss.20pct").key(),
    }
    assert len(keys) == 4
    assert json.dumps(Killer("loss.20pct", {"payloads": 9}).all_params()) == json.dumps(
        {"loss": 0.2, "payloads": 9}
    )


@pytest.mark.parametrize(
    "words, said",
    [
        (["--count", "5000"], "must be a whole number from 1 to 4095; got '5000'"),
        (["--mutant", "17"], "must be a top and a number, for example engine.17; got '17'"),
        (["--mutant", "switch.1"], "got 'switch.1'"),
    ],
)
def test_bad_input(words, said):
    assert said in refused("mutate", *words)
