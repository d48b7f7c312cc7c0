// The command line of a native program: `--name value` or `--name=value`; `+name=value` is for the
// design.
#pragma once

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace ttp {

// `+name=value` words, for the design; the first one is the program's name.
inline std::vector<const char *> plus_arguments = {"native"};

class Options {
public:
    explicit Options(std::string program) : program_(std::move(program)) {}

    // Where the value goes; its range is that of the type, negative numbers are refused.
    template <typename Number>
    Options &number(const std::string &name, Number &value) {
        takes_[name] = [&value](const std::string &text) {
            char *end = nullptr;
            errno = 0;
            unsigned long long read = std::strtoull(text.c_str(), &end, 0);
            value = Number(read);
            return !text.empty() && text[0] >= '0' && text[0] <= '9' && !*end && !errno
                   && value >= Number(0) && static_cast<unsigned long long>(value) == read;
        };
        return *this;
    }
    Options &text(const std::string &name, std::string &value) {
        takes_[name] = [&value](const std::string &text) { value = text; return !text.empty(); };
        return *this;
    }
    // A switch without a value.
    Options &flag(const std::string &name, bool &value) {
        flags_[name] = &value;
        return *this;
    }

    // Reads words `first` to `count` - 1. What cannot be read ends the program: a line, exit code 2.
    void read(int count, char **words, int first = 1) const {
        for (int at = first; at < count; ++at) {
            std::string name = words[at], value;
            if (name[0] == '+') { plus_arguments.push_back(words[at]); continue; }
            if (auto flag = flags_.find(name); flag != flags_.end()) {
                *flag->second = true;
                continue;
            }
            size_t equals = name.find('=');
            if (equals != std::string::npos) {
                value = name.substr(equals + 1);
                name.resize(equals);
            } else if (at + 1 < count) {
                value = words[++at];
            }
            auto take = takes_.find(name);
            if (take == takes_.end() || !take->second(value)) fail(name + " " + value);
        }
    }

    [[noreturn]] void fail(const std::string &what) const {
        std::fprintf(stderr, "%s: cannot read %s\n", program_.c_str(), what.c_str());
        std::exit(2);
    }

private:
    std::string program_;
    std::map<std::string, std::function<bool(const std::string &)>> takes_;
    std::map<std::string, bool *> flags_;
};

}  // namespace ttp
