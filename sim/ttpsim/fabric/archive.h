// State to bytes and back: `a & value` writes the value or reads it, so that each class names what
// it keeps once, in `void state(Archive &a)`.
#pragma once

#include <deque>
#include <map>
#include <tuple>
#include <unordered_map>

#include "exchange.h"
#include "wire.h"

namespace ttp::fabric {

class Archive {
public:
    Archive() : saving(true) {}
    explicit Archive(Bytes from) : saving(false), bytes(std::move(from)) {}

    template <typename Value>
    Archive &operator&(Value &value) {
        if constexpr (requires { value.state(*this); }) value.state(*this);
        else if constexpr (std::is_trivially_copyable_v<Value>) raw(&value, sizeof value);
        else part(value);
        return *this;
    }
    // Bytes as they lie in memory.
    void raw(void *value, size_t size) {
        if (saving) bytes.append(value, size);
        else if (size > bytes.left()) throw Failure{"the checkpoint is cut off"};
        else bytes.read(value, size);
    }
    // What must be the same again.
    void same(std::string value, const std::string &what) {
        const std::string wanted = value;
        *this & value;
        if (value != wanted)
            throw Failure{"the checkpoint is of another run: " + what + " was " + value
                          + ", not " + wanted};
    }

    const bool saving;
    Bytes bytes;

private:
    // One that several hold is written once.
    template <typename Value>
    void part(std::shared_ptr<Value> &pointer) {
        uint64_t number = pointer ? 1 + numbers_.size() : 0;
        if (saving && pointer) number = numbers_.try_emplace(pointer.get(), number).first->second;
        *this & number;
        if (!number) {
            pointer.reset();
        } else if (saving) {
            if (number > written_) written_ = number, *this & *pointer;
        } else if (number <= pointers_.size()) {
            pointer = std::static_pointer_cast<Value>(pointers_[number - 1]);
        } else {
            pointer = std::make_shared<Value>();
            pointers_.push_back(pointer);
            *this & *pointer;
        }
    }
    template <typename First, typename Second>
    void part(std::pair<First, Second> &pair) { *this & pair.first & pair.second; }
    template <typename... Values>
    void part(std::tuple<Values...> &tuple) {
        std::apply([this](auto &...values) { (*this & ... & values); }, tuple);
    }
    template <typename Key, typename... More>
    void part(std::map<Key, More...> &map) { keyed<Key>(map); }
    template <typename Key, typename... More>
    void part(std::unordered_map<Key, More...> &map) { keyed<Key>(map); }
    // A vector, a deque or a string.
    template <typename Sequence>
    void part(Sequence &values) {
        uint64_t size = values.size();
        *this & size;
        if (!saving && size > bytes.left()) throw Failure{"the checkpoint is cut off"};
        values.resize(size);
        for (auto &value : values) *this & value;
    }
    template <typename Key, typename Map>
    void keyed(Map &map) {
        uint64_t size = map.size();
        *this & size;
        if (saving) {
            for (auto &[key, value] : map) {
                Key copy = key;
                *this & copy & value;
            }
            return;
        }
        map.clear();
        for (uint64_t n = 0; n < size; ++n) {
            Key key;
            *this & key;
            *this & map[key];
        }
    }

    std::map<const void *, uint64_t> numbers_;
    std::vector<std::shared_ptr<void>> pointers_;
    uint64_t written_ = 0;
};

}  // namespace ttp::fabric
