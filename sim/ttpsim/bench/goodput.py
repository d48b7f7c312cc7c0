"""Parts `goodput` and `window` of `ttpoe bench`: rate against loss, and against replay memory."""

from ttpsim.bench.common import CLOCK_MHZ, SIMULATED, run_of
from ttpsim.bench.loss import ROUND_TRIPS, goal, loss_points, name_of, where

RARE = (1e-5, 1e-4)  # losses too rare to wait for: computed from what one loss costs

# ---- goodput -----------------------------------------------------------------------------------


def _isolated(rtt, selective, frame_cycles, clock):
    """Two losses far apart, and time enough behind them: what waited for the gap goes to the host
    in beats of payload only while headers come in, too, so that 1/17 of the time is left for it."""
    window = rtt * clock / frame_cycles
    spacing = int(4 * window) + 60
    return {
        "rtt_us": rtt,
        "selective": selective,
        "isolated": 2,
        "spacing": spacing,
        "payloads": 2 * spacing + int(18 * window if selective else 2 * window),
    }


def goodput_runs(short):
    """Without loss, and with single losses far apart; those at random are in `bench_loss`."""
    if short:
        return [
            run_of(
                "ttpsim.bench.scenarios",
                "goodput",
                "default",
                label=".short",
                clock_mhz=125.0,
                points=[{"rtt_us": 2.6, "selective": 1, "payloads": 60}],
            )
        ]
    runs = [
        run_of(
            "ttpsim.bench.scenarios",
            "goodput",
            name,
            label=".no_loss",
            clock_mhz=CLOCK_MHZ[name],
            points=[
                {"rtt_us": 2.6, "selective": 1, "payloads": payloads, "both": both}
                for both in (False, True)
            ],
        )
        for name, payloads in (("full", 1500), ("default", 400))
    ]
    for rtt in ROUND_TRIPS:
        for name, frame in (("full", 17), ("default", 136)):
            clock = CLOCK_MHZ[name]
            runs.append(
                run_of(
                    "ttpsim.bench.scenarios",
                    "goodput",
                    name,
                    label=f".rtt{rtt}",
                    clock_mhz=clock,
                    points=[_isolated(rtt, selective, frame, clock) for selective in (1, 0)],
                )
            )
    return runs


def _rare(config, point, metrics):
    """Goodput at losses so far apart that each costs what a single one does."""
    window = point["window_packets"]
    if config.slots < window:
        return  # the rate is not that of the wire to begin with
    kind = "selective" if point["selective"] else "gbn"
    cost = point["lost_clocks"] / point["ideal_clocks"]
    rtt = point["rtt_us"]
    metrics.add(
        f"goodput.loss_costs_frames.{kind}_{rtt}us.{config.name}",
        cost,
        "frames",
        f"{config.name}, RTT {point['rtt_cycles']} clocks",
        f"{point['isolated']} losses far apart",
        "lower",
        None if kind == "selective" else 1.05 * window + 1,
    )
    for loss in RARE:
        metrics.add(
            name_of(config, kind, loss, rtt),
            1 / (1 + loss * cost),
            "of header limit",
            f"{where(config, point['rtt_cycles'], loss)}, W {window:.1f}",
            f"computed from what one loss costs; {SIMULATED}",
            "higher",
            goal(config, rtt, window, loss, point["selective"]),
        )


def goodput(runs, metrics):
    no_loss = {}
    for run in runs:
        for point in run.summary["points"]:
            if "isolated" in point:
                _rare(run.config, point, metrics)
            else:
                no_loss[run.config.name, bool(point.get("both"))] = point["ratio"]
    loss_points(metrics)
    if no_loss:
        for (name, both), ratio in no_loss.items():
            metrics.add(
                f"goodput.no_loss_{'both_ways' if both else 'one_way'}.{name}",
                ratio,
                "of header limit",
                name,
                "1,024-byte payloads, beats of frames (and ACKs)"
                f" at the MAC's port, no gaps; {SIMULATED}",
                "higher",
                0.995,
            )
        metrics.add(
            "goodput.no_loss_ratio",
            min(no_loss.values()),
            "of header limit",
            "worst of " + ", ".join(sorted({name for name, _ in no_loss})),
            "one way and both ways, worst direction",
            "higher",
            0.995,
        )


# ---- window law --------------------------------------------------------------------------------

WINDOW = (
    (16, 1),
    (16, 2.6),
    (16, 10),
    (64, 2.6),
    (64, 10),
    (256, 10),
    (256, 40),
    (1024, 80),
    (1024, 120),
)


def window_runs(short):
    points = [
        {"rtt_us": rtt, "selective": 1, "slots": slots, "payloads": 3 * slots + 100, "periods": 3}
        for slots, rtt in (WINDOW[1:2] if short else WINDOW)
    ]
    return [
        run_of(
            "ttpsim.bench.scenarios",
            "goodput",
            "full",
            label=".window",
            clock_mhz=195.3125,
            points=points,
        )
    ]


def window(runs, metrics):
    worst = 0.0
    for point in runs[0].summary["points"]:
        law = min(1.0, point["slots"] / point["window_packets"])
        worst = max(worst, abs(point["ratio"] / law - 1))
        metrics.add(
            f"window.{point['slots']}KB_{point['rtt_us']}us",
            point["ratio"],
            "of header limit",
            f"full, RTT {point['rtt_cycles']} clocks, law {law:.4f}",
            "cfg_link_slots instead of a smaller memory",
            "higher",
        )
    metrics.add(
        "window.worst_deviation",
        worst,
        "share of the law",
        "full, 16 KB to 1 MB",
        "min(1, S / (rate x RTT))",
        "lower",
        0.02,
    )
