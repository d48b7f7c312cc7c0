// The results of a run: the names of `ttpoe fabric`, and what only this model has.
#pragma once

#include <sys/resource.h>

#include "run.h"

namespace ttp::packet {

inline void write_counts(Json &json, const Counts &c) {
    json.begin("stats");
    const std::pair<const char *, uint64_t> all[] = {
        {"link_opened", c.opened}, {"delivered", c.delivered},
        {"delivered_kept", c.delivered_kept}, {"kept", c.kept}, {"kept_nacked", c.kept_nacked},
        {"nack_gap", c.nack_gap}, {"nack_run", c.nack_run}, {"drop_gap", c.drop_gap},
        {"drop_unkept", c.drop_unkept}, {"drop_duplicate", c.drop_duplicate},
        {"drop_no_room", c.drop_no_room}, {"drop_unexpected", c.drop_unexpected},
        {"drop_bad_ack", c.drop_bad_ack}, {"ack_retired", c.ack_retired},
        {"nack_replayed", c.nack_replayed}, {"timer_replayed", c.timer_replayed},
        {"payload_sent", c.payload_sent}, {"payload_replayed", c.payload_replayed},
        {"link_held", c.link_held}, {"host_blocked", c.host_blocked},
        {"echo_heard", c.echo_heard}, {"nack_queue_full", c.nack_queue_full},
        {"window_cut", c.window_cut}};
    for (auto [name, count] : all) if (count) json.put(name, count);
    json.end();
}

inline void Run::write(Json &json) {
    const SwitchCounts &all = network_.counts;
    json.put("model", std::string("packet")).put("congestion", s_.congestion).put("clocks", clock);
    json.put("packets", arrived_).put("payload_bytes", bytes_).put("completed", completed_);
    json.put("ideal", ideal_).put("network_ideal", network_ideal_).put("goodput", goodput_);
    if (completed_) json.put("network_goodput", double(network_ideal_) / completed_);
    json.put("fairness", fairness_).put("switch_frames", all.frames);
    json.put("dropped_full", all.dropped_full).put("lost", all.lost).put("peak_bytes", all.peak);
    json.put("defects", 0).put("port0_busy",
                               double(port0_beats_)
                                   / std::max<uint64_t>(1, s_.clocks ? clock : completed_));
    waits_.write(json);
    if (s_.clocks) half_.write(json, before_, all);
    sharing_.write(json);
    if (rise_.after() >= 0) json.put("full_rate_after", rise_.after());
    write_counts(json, w_.counts);
    json.put("round_trip", trip_).put("queue_full", 0).put("no_room", w_.counts.drop_no_room);
    rusage used{};
    getrusage(RUSAGE_SELF, &used);
    json.put("events", w_.events.done()).put("memory_kib", used.ru_maxrss);
}

}  // namespace ttp::packet
