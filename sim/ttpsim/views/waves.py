"""One scenario with a waveform, opened in a viewer: `make waves TEST=loss.5pct`.

TEST, SEED, PRESET and SIM choose as in `make sim`; of several runs the first is taken. The run is
the shortened one, if there is one; LONG=1 takes the whole. VIEWER=gtkwave or surfer.
"""

import os
import shlex
import shutil
import subprocess
import sys

from ttpoe.config import ConfigError
from ttpsim.build.builds import SetupError
from ttpsim.scenario import run as scenarios

_HELP = {"gtkwave": "apt-get install gtkwave",
         "surfer": "https://surfer-project.org, or your system's packages"}


def command(viewer, waveform):
    """`(folder, command)` that shows the saved view of a waveform."""
    stem = waveform.with_suffix("")
    if viewer == "surfer":      # where it finds the mappings
        folder = waveform.parent.parent
        return folder, ["surfer", "-c", f"{stem.relative_to(folder)}.sucl",
                        str(waveform.relative_to(folder))]
    return waveform.parent, ["gtkwave", waveform.name, f"{stem.name}.gtkw"]


def show(viewer, waveform, env=os.environ):
    """Open the viewer, or return in one line how to; None if it was opened."""
    folder, line = command(viewer, waveform)
    by_hand = f"cd {shlex.quote(os.path.relpath(folder))} && {shlex.join(line)}"
    if shutil.which(viewer, path=env.get("PATH")) is None:
        return f"{viewer} is missing ({_HELP[viewer]}); then: {by_hand}"
    if sys.platform.startswith("linux") and not (env.get("DISPLAY") or env.get("WAYLAND_DISPLAY")):
        return f"no display here; where there is one: {by_hand}"
    subprocess.Popen(line, cwd=folder, env=env, stdin=subprocess.DEVNULL,
                     stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    return None


def _choose():
    """The viewer, and the `Run`."""
    env = os.environ
    viewer, long = env.get("VIEWER") or "gtkwave", env.get("LONG") or "0"
    if viewer not in _HELP:
        raise SetupError(f"VIEWER must be gtkwave or surfer; got {viewer!r}")
    if long not in ("0", "1"):
        raise SetupError(f"LONG must be 0 or 1; got {long!r}")
    if not env.get("TEST"):
        raise SetupError("TEST= is missing: make waves TEST=loss.5pct")
    options = ["--waves", "1", "--jobs", "1", *(["--short"] if long == "0" else [])]
    chosen = scenarios.plan(scenarios._arguments(options))
    if not chosen:
        raise SetupError(f"TEST={env['TEST']} has no run")
    return viewer, chosen[0]


def main():
    """Exit code as of `make sim`: a run that fails still shows its waveform."""
    try:
        viewer, run = _choose()
    except (SetupError, ConfigError) as error:
        print(f"waves: {error}", file=sys.stderr)
        return 2
    try:
        code = scenarios.execute([run], 1)
    except (SetupError, ConfigError) as error:
        print(f"waves: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\nwaves: interrupted", file=sys.stderr)
        return 130
    waveform = next((path for path in run.folder.glob("waves.*") if path.suffix in (".vcd", ".fst")
                     and path.with_suffix(".gtkw").exists()), None)
    if waveform is None:
        return code or 2
    said = show(viewer, waveform)
    print(f"waves: {said or f'{viewer} shows {os.path.relpath(waveform)}'}")
    return code


if __name__ == "__main__":
    sys.exit(main())
