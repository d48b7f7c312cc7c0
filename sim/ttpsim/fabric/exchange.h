// What the processes of a run tell each other; here the one that is alone.
#pragma once

#include <cstring>
#include <memory>
#include <type_traits>
#include <vector>

namespace ttp::fabric {

// Values one behind the other, as they lie in memory: all processes are the same program.
class Bytes {
public:
    template <typename Value>
    void put(const Value &value) {
        static_assert(std::is_trivially_copyable_v<Value>);
        append(&value, sizeof value);
    }
    template <typename Value>
    void put_all(const std::vector<Value> &values) {
        static_assert(std::is_trivially_copyable_v<Value>);
        put(uint64_t(values.size()));
        append(values.data(), values.size() * sizeof(Value));
    }
    template <typename Value>
    Value take() {
        Value value;
        read(&value, sizeof value);
        return value;
    }
    // Behind what is in `values` already.
    template <typename Value>
    void take_all(std::vector<Value> &values) {
        const size_t before = values.size(), more = take<uint64_t>();
        values.resize(before + more);
        read(values.data() + before, more * sizeof(Value));
    }
    void clear() { data.clear(); at_ = 0; }

    size_t left() const { return data.size() - at_; }
    void append(const void *from, size_t size) {
        const char *bytes = static_cast<const char *>(from);
        data.insert(data.end(), bytes, bytes + size);
    }
    void read(void *to, size_t size) {
        if (size) std::memcpy(to, data.data() + at_, size);
        at_ += size;
    }

    std::vector<char> data;

private:
    size_t at_ = 0;
};

class Exchange {
public:
    virtual ~Exchange() = default;
    virtual int rank() const { return 0; }
    virtual int size() const { return 1; }
    // To each process whose `peer` is set what is for it, and from it the same way, in place.
    virtual void swap(const std::vector<bool> &, std::vector<Bytes> &) {}
    // At process 0: what each one gives, by rank; at others nothing.
    virtual std::vector<Bytes> gather(Bytes mine) {
        std::vector<Bytes> all;
        all.push_back(std::move(mine));
        return all;
    }
    // What process 0 says, at all of them.
    virtual void tell(void *, size_t) {}
};

// Whether it is so at all processes, at all processes.
inline bool all_good(Exchange &exchange, bool good) {
    Bytes mine;
    mine.put(good);
    for (Bytes &bytes : exchange.gather(std::move(mine))) good &= bytes.take<bool>();
    exchange.tell(&good, sizeof good);
    return good;
}

}  // namespace ttp::fabric
