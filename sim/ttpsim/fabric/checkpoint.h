// A checkpoint: a file of each process, `NAME.0` and so on, of one clock. It is for the same
// program, with the same settings and the same number of processes.
#pragma once

#include <cstdio>

#include "archive.h"

namespace ttp::fabric {

class Checkpoint {
public:
    Checkpoint(const std::string &name, int rank) : path_(name + "." + std::to_string(rank)) {}

    // Beside the one before, which stays until all processes have written theirs.
    bool write(const Archive &a) const {
        const std::string part = path_ + ".part";
        FILE *file = std::fopen(part.c_str(), "wb");
        const auto &data = a.bytes.data;
        bool good = file && std::fwrite(data.data(), 1, data.size(), file) == data.size();
        if (file) good = !std::fclose(file) && good;
        return good;
    }
    bool replace() const { return !std::rename((path_ + ".part").c_str(), path_.c_str()); }
    Archive read() const {
        FILE *file = std::fopen(path_.c_str(), "rb");
        if (!file) throw Failure{"there is no checkpoint " + path_};
        Bytes bytes;
        char block[1 << 16];
        while (size_t size = std::fread(block, 1, sizeof block, file)) bytes.append(block, size);
        std::fclose(file);
        return Archive(std::move(bytes));
    }

private:
    std::string path_;
};

}  // namespace ttp::fabric
