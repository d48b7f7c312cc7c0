"""Parts `goodput` and `window` of `make bench`: rate against loss, and against replay memory."""

from bench_common import CLOCK_MHZ, SIMULATED, run_of

RARE = (1e-5, 1e-4)         # losses too rare to wait for: computed from what one loss costs

# ---- goodput -----------------------------------------------------------------------------------

# {preset: {round trip: {loss: payloads}}}: some dozens of losses, and several windows where a
# window is what one loss costs.
_COUNTS = {
    "full": {2.6: {1e-3: 8000, 1e-2: 4000, 1e-1: 2000}, 10: {1e-3: 6000, 1e-2: 4000, 1e-1: 1500},
             80: {1e-3: 12000, 1e-2: 6000, 1e-1: 3000}},
    "default": {2.6: {1e-2: 1500, 1e-1: 500}, 10: {1e-2: 1500, 1e-1: 500},
                80: {1e-2: 2000, 1e-1: 600}},
}


def _points(name, rtt, selective):
    """Points of one round trip."""
    losses = _COUNTS[name][rtt]
    return [{"rtt_us": rtt, "loss": loss, "selective": selective, "payloads": payloads}
            for loss, payloads in losses.items()]


def _isolated(rtt, selective, frame_cycles, clock):
    """Two losses far apart, and time enough behind them: what waited for the gap goes to the host
    in beats of payload only while headers come in, too, so that 1/17 of the time is left for it."""
    window = rtt * clock / frame_cycles
    spacing = int(4 * window) + 60
    return {"rtt_us": rtt, "selective": selective, "isolated": 2, "spacing": spacing,
            "payloads": 2 * spacing + int(18 * window if selective else 2 * window)}


def goodput_runs(short):
    if short:
        return [run_of("benches", "goodput", "default", label=".short", clock_mhz=125.0, points=[
            {"rtt_us": 2.6, "selective": 1, "payloads": 60},
            *({"rtt_us": 2.6, "loss": 0.05, "selective": s, "payloads": 120} for s in (1, 0))])]
    runs = [run_of("benches", "goodput", name, label=".no_loss", clock_mhz=CLOCK_MHZ[name],
                   points=[{"rtt_us": 2.6, "selective": 1, "payloads": payloads, "both": both}
                           for both in (False, True)])
            for name, payloads in (("full", 1500), ("default", 400))]
    for rtt in (2.6, 10, 80):
        for name, frame in (("full", 17), ("default", 136)):
            clock = CLOCK_MHZ[name]
            points = [point for selective in (1, 0) for point in
                      [*_points(name, rtt, selective), _isolated(rtt, selective, frame, clock)]]
            runs.append(run_of("benches", "goodput", name, label=f".rtt{rtt}", clock_mhz=clock,
                               points=points))
    return runs


def goodput(runs, metrics):
    no_loss = {}
    for run in runs:
        name, clock = run.config.name, run.params["clock_mhz"]
        for point in run.summary["points"]:
            where = (f"{name}, RTT {point['rtt_us']} us = {point['rtt_cycles']} clocks "
                     f"at {clock} MHz")
            if not point.get("loss") and "isolated" not in point:
                no_loss[name, bool(point.get("both"))] = point["ratio"]
                continue
            kind = "selective" if point["selective"] else "gbn"
            window = point["window_packets"]
            room = min(1.0, run.config.slots / window)      # the replay memory limits, too
            if "isolated" in point:
                if room < 1:
                    continue        # the rate is not that of the wire to begin with
                cost = point["lost_clocks"] / point["ideal_clocks"]
                metrics.add(f"goodput.loss_costs_frames.{kind}_{point['rtt_us']}us.{name}", cost,
                            "frames", where, f"{point['isolated']} losses far apart", "lower",
                            None if kind == "selective" else 1.05 * window + 1)
                values = [(loss, 1 / (1 + loss * cost), "computed from what one loss costs")
                          for loss in RARE]
            else:
                values = [(point["loss"], point["ratio"],
                           f"{point['delivered']} payloads in order, {point['clocks']} clocks, "
                           f"{100 * point['lost_share']:.2f} % of all frames really lost; what "
                           "waits for a gap at the end counts as lost time")]
            for loss, ratio, method in values:
                bound = room * (1 - loss) / (1 if kind == "selective" else 1 + loss * window)
                goal = (0.97 if kind == "selective" else 0.95) * bound
                if kind == "selective" and (loss > 0.01 or point["rtt_us"] > 10):
                    goal = None
                plain = name == "full"
                metrics.add(f"goodput.{kind}_{100 * loss:g}pct_{point['rtt_us']}us"
                            + ("" if plain else f".{name}"), ratio,
                            "of header limit", f"{where}, loss {100 * loss:g} %, W {window:.1f}",
                            f"{method}; {SIMULATED}", "higher", goal and round(goal, 4))
    if no_loss:
        for (name, both), ratio in no_loss.items():
            metrics.add(f"goodput.no_loss_{'both_ways' if both else 'one_way'}.{name}", ratio,
                        "of header limit", name, "1,024-byte payloads, beats of frames (and ACKs)"
                        f" at the MAC's port, no gaps; {SIMULATED}", "higher", 0.995)
        metrics.add("goodput.no_loss_ratio", min(no_loss.values()), "of header limit",
                    "worst of " + ", ".join(sorted({name for name, _ in no_loss})),
                    "one way and both ways, worst direction", "higher", 0.995)


# ---- window law --------------------------------------------------------------------------------

WINDOW = ((16, 1), (16, 2.6), (16, 10), (64, 2.6), (64, 10), (256, 10), (256, 40),
          (1024, 80), (1024, 120))


def window_runs(short):
    points = [{"rtt_us": rtt, "selective": 1, "slots": slots, "payloads": 3 * slots + 100,
               "periods": 3}
              for slots, rtt in (WINDOW[1:2] if short else WINDOW)]
    return [run_of("benches", "goodput", "full", label=".window", clock_mhz=195.3125,
                   points=points)]


def window(runs, metrics):
    worst = 0.0
    for point in runs[0].summary["points"]:
        law = min(1.0, point["slots"] / point["window_packets"])
        worst = max(worst, abs(point["ratio"] / law - 1))
        metrics.add(f"window.{point['slots']}KB_{point['rtt_us']}us", point["ratio"],
                    "of header limit", f"full, RTT {point['rtt_cycles']} clocks, law {law:.4f}",
                    "cfg_link_slots instead of a smaller memory", "higher")
    metrics.add("window.worst_deviation", worst, "share of the law", "full, 16 KB to 1 MB",
                "min(1, S / (rate x RTT))", "lower", 0.02)
