"""What a sweep leaves in its folder: tables, pictures, and the report."""

from ttpsim.campaign import plots, report, tables

__all__ = ["write"]

_PICTURES = ("goodput", "fairness", "queue", "completion")


def write(folder, sweep, found, revision):
    """All of it, anew, of `[(Job, record)]`; the paths."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in _PICTURES:
        (folder / f"{name}.svg").unlink(missing_ok=True)
    by_name, series = tables.tables(found), tables.queues(found)
    paths = [*tables.write(folder, by_name), *plots.draw(folder, sweep, by_name, series)]
    return [*paths, report.write(folder, sweep, by_name, series, revision)]
