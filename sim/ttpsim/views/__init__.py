"""Saved views of a waveform, for GTKWave and Surfer; see docs/guides/waves.md."""

__all__ = ["save_views"]


def save_views(waveform, at_the_end=False):
    """Write the views of a waveform beside it, the first replay in view; what is missing is said.

    `at_the_end`: its end is in view, where the run failed.

    A run that failed early may have left no waveform; then there are none.
    """
    # Only a run with waves needs what reads them.
    from . import gtkwave, surfer
    from .dump import Dump, MissingSignal

    if not waveform.exists():
        return
    try:
        dump = Dump(waveform)
        marker = dump.end() if at_the_end else dump.moment()
        gtkwave.write(dump, marker)
        surfer.write(dump, marker)
    except MissingSignal as error:
        print(f"waves: no view: {error}")
