"""TCP connections that N local ports allow: opened and closed until the ports are used up.

    time_wait.py PORTS SECONDS      prints {"opened", "seconds", "again_after"}

Run in a network namespace of its own (`unshare --net`), because it changes that namespace's
ip_local_port_range and tcp_tw_reuse (off: the default, 2, lets loopback alone reuse ports).
"""

import errno
import json
import socket
import subprocess
import sys
import time
from pathlib import Path

IPV4 = Path("/proc/sys/net/ipv4")
FIRST_PORT = 40_000


def main():
    ports, patience = int(sys.argv[1]), float(sys.argv[2])
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    (IPV4 / "ip_local_port_range").write_text(f"{FIRST_PORT} {FIRST_PORT + ports - 1}\n")
    (IPV4 / "tcp_tw_reuse").write_text("0\n")
    door = socket.create_server(("127.0.0.1", 5001), backlog=64)

    def once():
        """One connection opened and closed, the opener closing first; False without a port."""
        near = socket.socket()
        try:
            near.connect(door.getsockname())
        except OSError as error:
            if error.errno != errno.EADDRNOTAVAIL:
                raise
            return False
        far, _ = door.accept()
        near.close()
        far.recv(1)
        far.close()
        return True

    started, opened = time.monotonic(), 0
    while once():
        opened += 1
    used_up = time.monotonic()
    again = None
    while time.monotonic() - used_up < patience:
        time.sleep(0.2)
        if once():
            again = time.monotonic() - started
            break
    print(json.dumps({"opened": opened, "seconds": used_up - started, "again_after": again}))


if __name__ == "__main__":
    main()
