// What a TCP socket costs a host: an echo over loopback, processor time of both ends by getrusage.
//
//     tcp_echo BYTES MESSAGES   prints {"seconds", "user_us", "system_us", "switches"}, all of both
//                               ends and for one message in one direction
#include <arpa/inet.h>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

static void check(bool good, const char *what) {
    if (!good) { std::perror(what); std::exit(1); }
}

static bool all(int fd, char *data, size_t size, bool out) {
    for (size_t done = 0; done < size;) {
        ssize_t now = out ? write(fd, data + done, size - done)
                          : read(fd, data + done, size - done);
        if (now <= 0) return false;
        done += size_t(now);
    }
    return true;
}

static void no_delay(int fd) {
    int on = 1;
    check(!setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on), "TCP_NODELAY");
}

int main(int count, char **words) {
    size_t size = count == 3 ? std::strtoul(words[1], nullptr, 10) : 0;
    long messages = count == 3 ? std::strtol(words[2], nullptr, 10) : 0;
    if (!size || messages < 1) { std::fprintf(stderr, "tcp_echo BYTES MESSAGES\n"); return 2; }
    std::vector<char> data(size, 'x');
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof address;
    int door = socket(AF_INET, SOCK_STREAM, 0);
    check(door >= 0 && !bind(door, reinterpret_cast<sockaddr *>(&address), sizeof address)
          && !listen(door, 1)
          && !getsockname(door, reinterpret_cast<sockaddr *>(&address), &length), "listen");
    pid_t child = fork();
    check(child >= 0, "fork");
    if (!child) {
        int fd = accept(door, nullptr, nullptr);
        check(fd >= 0, "accept");
        no_delay(fd);
        while (all(fd, data.data(), size, false) && all(fd, data.data(), size, true)) {}
        _exit(0);
    }
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    check(fd >= 0 && !connect(fd, reinterpret_cast<sockaddr *>(&address), sizeof address),
          "connect");
    no_delay(fd);
    auto started = std::chrono::steady_clock::now();
    for (long n = 0; n < messages; ++n)
        check(all(fd, data.data(), size, true) && all(fd, data.data(), size, false), "echo");
    double seconds = std::chrono::duration<double>(
        std::chrono::steady_clock::now() - started).count();
    close(fd);
    int status = 0;
    check(waitpid(child, &status, 0) == child && status == 0, "the other end");
    double user = 0, system = 0, switches = 0;
    for (int who : {RUSAGE_SELF, RUSAGE_CHILDREN}) {
        rusage use{};
        getrusage(who, &use);
        user += 1e6 * double(use.ru_utime.tv_sec) + double(use.ru_utime.tv_usec);
        system += 1e6 * double(use.ru_stime.tv_sec) + double(use.ru_stime.tv_usec);
        switches += double(use.ru_nvcsw + use.ru_nivcsw);
    }
    double ways = 2.0 * double(messages);
    std::printf("{\"seconds\": %.4f, \"user_us\": %.4f, \"system_us\": %.4f, \"switches\": %.4f}\n",
                seconds, user / ways, system / ways, switches / ways);
}
