// Results as JSON: a file that is there whole, or as it was before.
#pragma once

#include <cstdint>
#include <cstdio>
#include <string>
#include <type_traits>
#include <vector>

namespace ttp {

class Json {
public:
    Json() { text_ = "{"; }

    template <typename Number, typename = std::enable_if_t<std::is_arithmetic_v<Number>>>
    Json &put(const std::string &name, Number value) {
        if constexpr (std::is_floating_point_v<Number>) {
            char text[40];
            std::snprintf(text, sizeof text, "%.10g", double(value));
            return add(name, text);
        } else {
            return add(name, std::to_string(+value));
        }
    }
    Json &put(const std::string &name, const std::string &value) {
        return add(name, quoted(value));
    }
    // An object within: `put` goes there until `end`.
    Json &begin(const std::string &name) {
        add(name, "{");
        first_ = true;
        ++depth_;
        return *this;
    }
    Json &end() {
        text_ += "}";
        first_ = false;
        --depth_;
        return *this;
    }
    // An array of objects, a line each: `row` begins one and `end` ends it, until `end_rows`.
    Json &rows(const std::string &name) {
        add(name, "[");
        first_ = true;
        return *this;
    }
    Json &row() {
        text_ += first_ ? "\n  {" : ",\n  {";
        first_ = true;
        ++depth_;
        return *this;
    }
    Json &end_rows() {
        text_ += "]";
        first_ = false;
        return *this;
    }
    // An array of numbers.
    Json &list(const std::string &name, const std::vector<double> &values) {
        std::string text = "[";
        for (double value : values) {
            char number[40];
            std::snprintf(number, sizeof number, "%s%.10g", text.size() > 1 ? ", " : "", value);
            text += number;
        }
        return add(name, text + "]");
    }
    // Those of the counts that are not 0, under the names of their places.
    template <typename Names>
    Json &counts(const std::string &name, const uint64_t *values, const Names &names, int count) {
        begin(name);
        for (int n = 0; n < count; ++n) if (values[n]) put(names[n], values[n]);
        return end();
    }

    // False if it cannot be written. An empty path: nothing is wanted.
    bool write(const std::string &path) const {
        if (path.empty()) return true;
        const std::string part = path + ".part";
        FILE *file = std::fopen(part.c_str(), "w");
        bool good = file && std::fputs((text_ + "\n}\n").c_str(), file) >= 0;
        if (file) good = !std::fclose(file) && good;
        good = good && !std::rename(part.c_str(), path.c_str());
        if (!good) std::fprintf(stderr, "cannot write %s\n", path.c_str());
        return good;
    }

private:
    Json &add(const std::string &name, const std::string &value) {
        if (!first_) text_ += ",";
        text_ += depth_ ? (first_ ? "" : " ") : "\n ";
        text_ += quoted(name) + ": " + value;
        first_ = false;
        return *this;
    }
    static std::string quoted(const std::string &text) {
        std::string out = "\"";
        for (unsigned char c : text) {
            char escape[8];
            if (c == '"' || c == '\\') (out += '\\') += char(c);
            else if (c < 0x20) std::snprintf(escape, sizeof escape, "\\u%04x", c), out += escape;
            else out += char(c);
        }
        return out + "\"";
    }

    std::string text_;
    bool first_ = true;
    int depth_ = 0;
};

}  // namespace ttp
