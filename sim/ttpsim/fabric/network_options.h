// The switches that say who is there, who sends what, and over which network.
#pragma once

#include "options.h"
#include "settings.h"

namespace ttp::fabric {

inline Options &network_options(Options &options, Settings &s) {
    return options.text("--traffic", s.traffic)
        .text("--samples", s.samples)
        .text("--order", s.order)
        .number("--seed", s.seed)
        .number("--congestion", s.congestion)
        .number("--spread", s.spread)
        .number("--old", s.old)
        .number("--old-slots", s.old_slots)
        .number("--liar", s.liar)
        .number("--says", s.says)
        .number("--hears", s.hears)
        .number("--join", s.join)
        .number("--join-at", s.join_at)
        .number("--leave-at", s.leave_at)
        .number("--limit", s.limit)
        .number("--clocks", s.clocks)
        .number("--nodes", s.nodes)
        .number("--count", s.count)
        .number("--link-slots", s.link_slots)
        .number("--tick", s.tick)
        .number("--selective", s.selective)
        .number("--delay", s.delay)
        .number("--leaf-hosts", s.leaf_hosts)
        .number("--spines", s.spines)
        .number("--buffer", s.network.buffer)
        .number("--cut-through", s.network.cut_through)
        .number("--loss-ppm", s.network.loss_ppm)
        .number("--ping-every", s.ping_every)
        .number("--ping-bytes", s.host.ping_bytes)
        .number("--bytes", s.host.bytes)
        .number("--stop", s.host.stop_clocks)
        .number("--stop-period", s.host.stop_period);
}

}  // namespace ttp::fabric
