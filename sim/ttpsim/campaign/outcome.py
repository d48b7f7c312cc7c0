"""What a sweep leaves in its folder: tables, pictures, and the report."""

from ttpsim.campaign import plots, report, tables

__all__ = ["said", "write"]

_PICTURES = ("goodput", "fairness", "queue", "completion")


def said(sweep, runs):
    """Lines with goodput and fairness of each point, as mean and range of its seeds."""
    if runs.empty or "goodput" not in runs:
        return
    for point in sweep.points():
        some = runs
        for name, value in point.items():
            some = some[some[name] == value]
        if some.empty:
            continue
        good, fair = 100 * some["goodput"], some["fairness"]
        yield (
            f"{plots.label(point)}: goodput {good.mean():.1f} % ({good.min():.1f} to "
            f"{good.max():.1f}), fairness {fair.mean():.3f}, dropped {some['dropped_full'].sum():,}"
        )


def write(folder, sweep, found, revision):
    """All of it, anew, of `[(Job, record)]`; `(lines to say, paths)`."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in _PICTURES:
        (folder / f"{name}.svg").unlink(missing_ok=True)
    by_name, series = tables.tables(found), tables.queues(found)
    paths = [*tables.write(folder, by_name), *plots.draw(folder, sweep, by_name, series)]
    paths.append(report.write(folder, sweep, by_name, series, revision))
    return list(said(sweep, by_name["runs"])), paths
