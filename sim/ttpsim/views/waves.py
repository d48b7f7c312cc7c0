"""One scenario with a waveform, opened in a viewer: `ttpoe waves`.

Of several runs the first is taken. It is the shortened one, if there is one; --long takes the
whole.
"""

import os
import shlex
import shutil
import subprocess
import sys

from ttpsim.build.builds import SetupError
from ttpsim.scenario import run as scenarios

_HELP = {
    "gtkwave": "apt-get install gtkwave",
    "surfer": "https://surfer-project.org, or your system's packages",
}


def command(viewer, waveform):
    """`(folder, command)` that shows the saved view of a waveform."""
    stem = waveform.with_suffix("")
    if viewer == "surfer":  # where it finds the mappings
        folder = waveform.parent.parent
        return folder, [
            "surfer",
            "-c",
            f"{stem.relative_to(folder)}.sucl",
            str(waveform.relative_to(folder)),
        ]
    return waveform.parent, ["gtkwave", waveform.name, f"{stem.name}.gtkw"]


def show(viewer, waveform, env=os.environ):
    """Open the viewer, or return in one line how to; None if it was opened."""
    folder, line = command(viewer, waveform)
    by_hand = f"cd {shlex.quote(os.path.relpath(folder))} && {shlex.join(line)}"
    if shutil.which(viewer, path=env.get("PATH")) is None:
        return f"{viewer} is missing ({_HELP[viewer]}); then: {by_hand}"
    if sys.platform.startswith("linux") and not (env.get("DISPLAY") or env.get("WAYLAND_DISPLAY")):
        return f"no display here; where there is one: {by_hand}"
    subprocess.Popen(
        line,
        cwd=folder,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    return None


def look_for(viewer, asked):
    """Before the minutes of a run: None, or a line if the viewer is missing; `SetupError` if it
    was asked for by name."""
    if shutil.which(viewer) is not None:
        return None
    said = f"{viewer} is missing ({_HELP[viewer]})"
    if asked:
        raise SetupError(f"{said}; `ttpoe sim --waves` records without a viewer")
    return f"{said}: the waveform and its views are only written"


def main(arguments):
    """What `ttpoe waves` does; exit code as of `ttpoe sim`: a run that fails still shows itself."""
    chosen = scenarios.plan(
        scenarios.Wanted(
            [arguments.test],
            arguments.simulator,
            arguments.seed,
            arguments.preset,
            waves=True,
            short=not arguments.long,
        )
    )
    if not chosen:
        raise SetupError(f"{arguments.test} has no run")
    run, viewer = chosen[0], arguments.viewer or "gtkwave"
    run.place = "waves"  # what `ttpoe sim` left of the same scenario stays as it is
    missing = look_for(viewer, asked=arguments.viewer is not None)
    if missing:
        print(f"waves: {missing}")
    code = scenarios.execute([run], 1)
    waveform = next(
        (
            path
            for path in run.folder.glob("waves.*")
            if path.suffix in (".vcd", ".fst") and path.with_suffix(".gtkw").exists()
        ),
        None,
    )
    if waveform is None:
        return code or 2
    said = show(viewer, waveform)
    print(f"waves: {said or f'{viewer} shows {os.path.relpath(waveform)}'}")
    return code
