"""Part `first_use` of `ttpoe bench`, on a repository whose commands take no time."""

import subprocess

import pytest

from ttpsim.bench import first_use
from ttpsim.bench.common import Metrics
from ttpsim.build.processes import BuildError
from ttpsim.pages import figures
from ttpsim.pages import first_use as page

MAKEFILE = """setup:
\tmkdir build
sim:
\t@test -d build && echo "[sim] 0:01: $(TEST)" && echo "[sim] hello icarus tiny: passed"
test:
\t@test ! -d build && sleep 0.2 && {end}
"""


def measured(tmp_path, monkeypatch, short=False, end="true"):
    repository = tmp_path / "repository"
    repository.mkdir()
    (repository / "Makefile").write_text(MAKEFILE.format(end=end))
    identity = ("-c", "user.name=x", "-c", "user.email=x@y")
    for words in (("init", "-q"), ("add", "."), (*identity, "commit", "-q", "-m", "x")):
        subprocess.run(("git", *words), cwd=repository, check=True)
    monkeypatch.setattr(first_use, "ROOT", repository)
    monkeypatch.setattr(first_use, "LOGS", tmp_path / "logs")
    metrics = Metrics(short, 1)
    first_use.first_use_part([], metrics)
    return {metric["name"].removeprefix("first_use."): metric for metric in metrics}


def test_every_command_is_timed_in_a_clone(tmp_path, monkeypatch):
    found = measured(tmp_path, monkeypatch)
    assert {"setup_s", "hello_s", "hello_first_s", "sim_s", "test_s"} < set(found)
    assert found["test_s"]["value"] >= 0.2 > found["test_processor_s"]["value"]
    assert found["hello_first_s"]["value"] <= found["hello_s"]["value"]
    assert [found[f"{name}_s"]["goal"] for name in ("hello_first", "sim", "test")] == [90, 300, 720]
    assert "hello icarus tiny: passed" in (tmp_path / "logs" / "sim.log").read_text()
    assert not (tmp_path / "repository" / "build").exists()


def test_the_short_form_stops_behind_the_first_result(tmp_path, monkeypatch):
    assert not {"sim_s", "test_s"} & set(measured(tmp_path, monkeypatch, short=True))


def test_a_command_that_fails_names_its_log(tmp_path, monkeypatch):
    with pytest.raises(BuildError, match=r"make test failed: see .*test\.log"):
        measured(tmp_path, monkeypatch, end="echo broken && false")
    assert "broken" in (tmp_path / "logs" / "test.log").read_text()


def test_the_sentence_of_the_readme(monkeypatch):
    times = {"setup": 61.4, "hello": 70, "hello_first": 9.9, "sim": 305}
    figures_of = {f"first_use.{name}_s": value for name, value in times.items()}
    monkeypatch.setattr(figures, "baseline", lambda: figures_of)
    said = page.first_use()
    assert "set-up 1:01" in said and "after 0:09" in said and "behind it 5:05" in said
    assert "`make test` with nothing built not measured" in said
