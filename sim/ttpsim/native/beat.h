// The byte enables of a beat: a run of ones from lane 0.
#pragma once

#include <cstdint>

namespace ttp {

// Of `bytes` bytes, 1 to 64.
inline uint64_t keep_of(int bytes) { return bytes >= 64 ? ~0ull : (1ull << bytes) - 1; }
inline int bytes_of(uint64_t keep) { return __builtin_popcountll(keep); }

}  // namespace ttp
