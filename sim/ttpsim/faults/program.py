"""A program that turns bits over: what it has, upsets in, results out."""

import subprocess

from ttpsim.build import builds
from ttpverif.cli.errors import Interrupted

__all__ = ["states_of", "upsets_of"]


def states_of(binary):
    """{name: (words, bits of a word)} of what can turn over."""
    lines = subprocess.run(
        [binary, "--list"], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    return {name: (int(words), int(bits)) for name, words, bits in map(str.split, lines)}


def upsets_of(binary, seed, planned, line, read, done, harm, arguments=()):
    """The upsets with what became of each; `done` hears of them as they come.

    `line`: how one is told to the program. `read(upset, line)`: what the program's line says of it.
    `harm(result)`: whether it did harm, for the words of an interruption.
    """
    process = subprocess.Popen(
        [binary, "--seed", str(seed), *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None and process.stdout is not None  # they are pipes
    results = []
    try:
        process.stdin.write("".join(line.format(**upset) for upset in planned))
        process.stdin.close()
    except BrokenPipeError:
        pass  # its exit code says why
    try:
        for upset, said in zip(planned, process.stdout):
            results.append(read(upset, said.rstrip("\n")))
            assert results[-1]["number"] == upset["number"]
            done(results[-1])
    except KeyboardInterrupt:
        process.terminate()
        raise Interrupted(
            f"{len(results)} of {len(planned)} upsets were done, {sum(map(harm, results))} did harm"
        ) from None
    finally:
        process.stdout.close()
        code = process.wait()
    if code and len(results) < len(planned):
        raise builds.BuildError(f"the program ended with {code} at upset {len(results)}")
    return results
