"""The workers: processes of this machine, or those of a Dask scheduler; and jobs sent to them."""

# Dask is an extra: types are checked without it, too.
# pyright: reportMissingImports=false

import contextlib
import logging

from ttpsim.build.processes import SetupError
from ttpsim.campaign.job import run_job
from ttpsim.campaign.store import finished

__all__ = ["connected", "drive", "need"]

LIVES = 5
"""How often a job may lose its worker before it is given up: others may have been killed with it."""
_SECONDS = 10  # to find a scheduler, and a worker of it


def need():
    """`SetupError` without the extra."""
    try:
        import distributed  # noqa: F401
    except ModuleNotFoundError as error:
        raise SetupError(
            f"the Python package {error.name} is missing: run `make setup WITH=campaign`"
        ) from None


@contextlib.contextmanager
def connected(jobs, scheduler=None):
    """A client of `scheduler`, or of `jobs` worker processes that end with it."""
    import dask.config
    from distributed import Client, LocalCluster

    logging.getLogger("distributed").setLevel(logging.CRITICAL)  # we say ourselves what was lost
    settings = {
        "distributed.scheduler.allowed-failures": LIVES,
        "distributed.comm.timeouts.connect": f"{_SECONDS} s",
        "distributed.admin.log-format": "%(message)s",
    }
    with dask.config.set(settings), contextlib.ExitStack() as stack:
        if scheduler is None:
            # No limit of memory: what a job takes is its own process's.
            cluster = LocalCluster(
                n_workers=jobs,
                threads_per_worker=1,
                processes=True,
                dashboard_address="127.0.0.1:0",
                memory_limit=0,
                silence_logs=logging.CRITICAL,
            )
            where = stack.enter_context(cluster)
        else:
            where = scheduler
        try:
            client = stack.enter_context(Client(where, timeout=_SECONDS, set_as_default=False))
            client.wait_for_workers(jobs if scheduler is None else 1, timeout=_SECONDS * 3)
        except (OSError, ValueError, TimeoutError) as error:
            raise SetupError(
                f"no Dask scheduler with a worker at {scheduler or 'this machine'}: {error}"
            ) from None
        yield client


def drive(client, jobs, store, done):
    """Run the jobs; keep each record that is finished, and tell `done(job, record)`.

    A job whose worker dies is given to another one. `done` has a record for every job exactly once;
    one that was given up has no `code`, and says why in `refused`.
    """
    from distributed import as_completed

    by_key = {job.key: job for job in jobs}
    futures = [
        client.submit(run_job, job, key=f"ttpoe-{key}", pure=False, retries=0)
        for key, job in by_key.items()
    ]
    try:
        for future in as_completed(futures, loop=client.loop):
            key = future.key.removeprefix("ttpoe-")
            error = future.exception()
            record = future.result() if error is None else {"key": key, "refused": str(error)}
            if finished(record):
                store.put(record)
            done(by_key[key], record)
            future.release()
    except BaseException:
        client.cancel(futures, force=True)
        raise
