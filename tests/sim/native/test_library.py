"""The C++ library of the native programs, through a program that does nothing else."""

import json
import subprocess

import pytest

from ttpsim.native import compile as native

MAIN = r"""
#include "json.h"
#include "options.h"
#include "progress.h"
#include "random.h"
#include "beat.h"
#include <cinttypes>
int main(int count, char **words) {
    uint64_t seed = 7; int few = 1; std::string path; bool list = false;
    ttp::Options("prog").number("--seed", seed).number("--few", few).text("--json", path)
        .flag("--list", list).read(count, words);
    ttp::Random random(seed);
    const uint64_t counts[] = {0, 5, 9};
    const char *names[] = {"none", "five", "nine"};
    ttp::Progress progress("prog");
    progress.show("working", 0.25);
    ttp::Json json;
    json.put("first", random.next()).put("second", random.next()).put("share", 0.5)
        .put("text", std::string("a \"b\" \\ \n")).counts("counts", counts, names, 3)
        .put("list", list).put("few", few).put("plus", int(ttp::plus_arguments.size()))
        .begin("none").end().put("keep", ttp::keep_of(64)).put("three", ttp::keep_of(3));
    return json.write(path) ? 0 : 3;
}
"""


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    folder = tmp_path_factory.mktemp("library")
    (folder / "main.cpp").write_text(MAIN)
    subprocess.run(
        [
            "g++",
            "-std=gnu++20",
            "-Wall",
            "-Wextra",
            "-Werror",
            f"-I{native.HERE}",
            folder / "main.cpp",
            "-o",
            folder / "prog",
        ],
        check=True,
    )
    return folder / "prog"


def test_results_and_options(program, tmp_path):
    path = tmp_path / "out.json"
    done = subprocess.run(
        [program, "--seed", "0", "+defect=3", f"--json={path}", "--list", "--few=0x10"],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0 and done.stdout == "[prog] 0:00: working, about 0:00 left\n"
    found = json.loads(path.read_text())
    # The first two numbers of splitmix64 for the seed 0, as its author publishes them.
    assert (found["first"], found["second"]) == (0xE220A8397B1DCDAF, 0x6E789E6AA1B965F4)
    assert found["text"] == 'a "b" \\ \n' and found["share"] == 0.5
    assert found["counts"] == {"five": 5, "nine": 9} and found["none"] == {}
    assert (found["list"], found["few"], found["plus"]) == (1, 16, 2)
    assert (found["keep"], found["three"]) == (2**64 - 1, 7)
    assert not path.with_suffix(".json.part").exists()


@pytest.mark.parametrize(
    "words, said",
    [
        (["--seed", "many"], "--seed many"),
        (["--seed", "-1"], "--seed -1"),
        (["--seed"], "--seed "),
        (["--few", "99999999999"], "--few 99999999999"),
        (["--other", "1"], "--other 1"),
        (["--seed", "99999999999999999999"], "--seed 99999999999999999999"),
    ],
)
def test_what_cannot_be_read_is_one_line(program, words, said):
    done = subprocess.run([program, *words], capture_output=True, text=True)
    assert done.returncode == 2 and done.stderr == f"prog: cannot read {said}\n"


def test_results_that_cannot_be_written(program):
    done = subprocess.run([program, "--json", "/nowhere/x.json"], capture_output=True, text=True)
    assert done.returncode == 3 and done.stderr == "cannot write /nowhere/x.json\n"
