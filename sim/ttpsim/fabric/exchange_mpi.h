// Processes that MPI has started, on one machine or on many.
#pragma once

#include <mpi.h>

#include "exchange.h"

namespace ttp::fabric {

class MpiExchange : public Exchange {
public:
    MpiExchange(int *count, char ***words) {
        MPI_Init(count, words);
        MPI_Comm_rank(MPI_COMM_WORLD, &rank_);
        MPI_Comm_size(MPI_COMM_WORLD, &size_);
    }
    ~MpiExchange() override { MPI_Finalize(); }
    MpiExchange(const MpiExchange &) = delete;
    MpiExchange &operator=(const MpiExchange &) = delete;

    int rank() const override { return rank_; }
    int size() const override { return size_; }

    void swap(const std::vector<bool> &peers, std::vector<Bytes> &bytes) override {
        std::vector<MPI_Request> sends;
        std::vector<Bytes> came(size_);
        for (int other = 0; other < size_; ++other)
            if (peers[other]) {
                auto &data = bytes[other].data;
                sends.emplace_back();
                MPI_Isend(data.data(), int(data.size()), MPI_BYTE, other, BEATS, MPI_COMM_WORLD,
                          &sends.back());
            }
        for (int other = 0; other < size_; ++other)
            if (peers[other]) receive(other, BEATS, came[other]);
        MPI_Waitall(int(sends.size()), sends.data(), MPI_STATUSES_IGNORE);
        bytes.swap(came);
    }
    std::vector<Bytes> gather(Bytes mine) override {
        std::vector<Bytes> all;
        if (rank_) {
            MPI_Send(mine.data.data(), int(mine.data.size()), MPI_BYTE, 0, ALL, MPI_COMM_WORLD);
            return all;
        }
        all.resize(size_);
        all[0] = std::move(mine);
        for (int other = 1; other < size_; ++other) receive(other, ALL, all[other]);
        return all;
    }
    void tell(void *value, size_t size) override {
        MPI_Bcast(value, int(size), MPI_BYTE, 0, MPI_COMM_WORLD);
    }

private:
    enum { BEATS, ALL };

    static void receive(int from, int what, Bytes &bytes) {
        MPI_Message message;
        MPI_Status status;
        int size = 0;
        MPI_Mprobe(from, what, MPI_COMM_WORLD, &message, &status);
        MPI_Get_count(&status, MPI_BYTE, &size);
        bytes.data.resize(size);
        MPI_Mrecv(bytes.data.data(), size, MPI_BYTE, &message, &status);
    }

    int rank_ = 0, size_ = 1;
};

}  // namespace ttp::fabric
