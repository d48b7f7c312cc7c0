"""A network namespace that is gone when its one process is: nothing can be left behind."""

import ctypes
import json
import os
import shutil
import socket
import subprocess
import time

__all__ = ["Namespace", "why_not"]

_CLONE_NEWNET = 0x40000000
_ETH_P_ALL = 3


def why_not():
    """Why the tests with a bridge cannot run here; None if they can."""
    for name, package in (("ip", "iproute2"), ("unshare", "util-linux"), ("nsenter", "util-linux")):
        if shutil.which(name) is None:
            return f"{name} is missing: apt-get install {package}"
    if os.geteuid():
        return "needs root (CAP_NET_ADMIN), for network namespaces, bridges and TAP interfaces"
    run = subprocess.run(
        [
            "unshare",
            "-n",
            "sh",
            "-c",
            "ip link add lan type bridge && ip link add "
            "one type veth peer name two && ip tuntap add tap0 mode tap",
        ],
        capture_output=True,
        text=True,
    )
    return f"no bridges, veth pairs or TAPs here: {run.stderr.strip()}" if run.returncode else None


class Namespace:
    """`enter` in front of a command runs it inside."""

    def __init__(self):
        self._process = subprocess.Popen(["unshare", "-n", "sleep", "600"])
        self._path = f"/proc/{self._process.pid}/ns/net"
        while os.readlink(self._path) == os.readlink("/proc/self/ns/net"):
            time.sleep(0.005)
        self.enter = ("nsenter", f"--net={self._path}")

    def ip(self, words):
        """One command of iproute2; what it prints as JSON."""
        text = subprocess.run(
            [*self.enter, "ip", "-json", *words.split()], check=True, capture_output=True, text=True
        ).stdout
        return json.loads(text or "[]")

    def interfaces(self):
        return {link["ifname"] for link in self.ip("link") if link} - {"lo"}

    def packet_socket(self, name):
        """A socket that sees and sends whole frames on an interface in here."""
        libc = ctypes.CDLL(None, use_errno=True)
        with open("/proc/self/ns/net") as home, open(self._path) as inside:
            try:
                assert libc.setns(inside.fileno(), _CLONE_NEWNET) == 0
                sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
                sock.setsockopt(263, 23, 1)  # PACKET_IGNORE_OUTGOING
                sock.bind((name, _ETH_P_ALL))
            finally:
                libc.setns(home.fileno(), _CLONE_NEWNET)
        return sock

    def close(self):
        self._process.kill()
        self._process.wait()
