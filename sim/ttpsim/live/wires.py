"""The wire's file descriptor: a TAP on a bridge, an interface, or a TCP connection.

A TAP and the socket of an interface vanish with the last process that holds them, however it
ends. A bridge that was made here carries the alias `ttpoe`, and whoever leaves it last removes it.
"""

import contextlib
import errno
import fcntl
import json
import os
import shutil
import socket
import struct
import subprocess
from pathlib import Path

from ttpverif.cli import UsageError

__all__ = ["listen", "connect", "interface", "tap", "bridge_left"]

_TUNSETIFF, _IFF_TAP_NO_PI = 0x400454CA, 0x1002
_ETH_P_ALL = 0x0003
_SOL_PACKET, _PACKET_ADD_MEMBERSHIP, _PACKET_MR_PROMISC = 263, 1, 1
_PACKET_IGNORE_OUTGOING = 23
_PACKET_AUXDATA = 8
_ALIAS = "ttpoe"
_SIOCGIFFLAGS, _IFF_UP = 0x8913, 1


def _denied(what):
    return UsageError(
        f"{what} needs root (CAP_NET_ADMIN and CAP_NET_RAW): start it with sudo, or "
        "use --listen or --connect, which need none"
    )


def _ip(*words):
    """The output of one command of iproute2; its complaint as a `UsageError`."""
    if shutil.which("ip") is None:
        raise UsageError("the program ip is missing: apt-get install iproute2")
    run = subprocess.run(["ip", *words], capture_output=True, text=True)
    if run.returncode:
        raise UsageError(f"ip {' '.join(words)}: {run.stderr.strip() or 'failed'}")
    return run.stdout


def _exists(name):
    try:
        return bool(socket.if_nametoindex(name))
    except OSError:
        return False


def _kind(name):
    """`bridge`, `tun`, ...; None if there is no such interface."""
    if not _exists(name):
        return None
    (link,) = json.loads(_ip("-json", "-details", "link", "show", name))
    return link.get("linkinfo", {}).get("info_kind", "other")


def tap(name, bridge=None, mac=None):
    """File descriptor of a new TAP interface that is up, a port of `bridge` if given.

    Raises `UsageError` without the rights, or if the name is taken.
    """
    if os.geteuid():
        raise _denied(f"a TAP interface ({name})")
    if _kind(name) not in (None, "tun"):
        raise UsageError(f"there is an interface {name} that is no TAP; use --interface {name}")
    if bridge and _kind(bridge) not in (None, "bridge"):
        raise UsageError(f"the interface {bridge} is not a bridge")
    try:
        file = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise UsageError(
            f"/dev/net/tun: {error.strerror}: this machine has no TAP interfaces; "
            "modprobe tun, or use --interface, --listen or --connect"
        ) from None
    try:
        fcntl.ioctl(file, _TUNSETIFF, struct.pack("16sH22x", name.encode(), _IFF_TAP_NO_PI))
        with contextlib.suppress(OSError):  # the kernel's own frames would only be noise
            Path(f"/proc/sys/net/ipv6/conf/{name}/disable_ipv6").write_text("1")
        if mac:
            _ip("link", "set", name, "address", mac)
        if bridge:
            _join(name, bridge)
        _ip("link", "set", name, "up")
    except OSError as error:
        os.close(file)
        if error.errno == errno.EBUSY:
            raise UsageError(
                f"the TAP {name} is in use by another program; take another name"
            ) from None
        if error.errno == errno.EPERM:
            raise _denied(f"a TAP interface ({name})") from None
        raise UsageError(f"cannot make the TAP {name}: {error.strerror}") from None
    except BaseException:
        os.close(file)
        raise
    return file


def _join(name, bridge):
    if not _exists(bridge):
        _ip("link", "add", bridge, "type", "bridge", "forward_delay", "0", "mcast_snooping", "0")
        _ip("link", "set", bridge, "alias", _ALIAS)
        with contextlib.suppress(OSError):
            Path(f"/proc/sys/net/ipv6/conf/{bridge}/disable_ipv6").write_text("1")
        _ip("link", "set", bridge, "up")
    _ip("link", "set", name, "master", bridge)


def bridge_left(bridge):
    """Remove a bridge that was made here and has no port any more."""
    with contextlib.suppress(UsageError, ValueError):
        (link,) = json.loads(_ip("-json", "link", "show", bridge))
        ports = json.loads(_ip("-json", "link", "show", "master", bridge) or "[]")
        if link.get("ifalias") == _ALIAS and not any(ports):
            _ip("link", "delete", bridge)


def interface(name):
    """A packet socket on an interface that is there (a veth end, a real port)."""
    if not _exists(name):
        raise UsageError(f"there is no interface {name}; `ip link` lists them, --tap makes one")
    try:
        wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW | socket.SOCK_NONBLOCK, 0)
    except PermissionError:
        raise _denied(f"the interface {name}") from None
    try:
        wire.setsockopt(_SOL_PACKET, _PACKET_IGNORE_OUTGOING, 1)
        # The kernel takes VLAN tags out; with this it says what they were (`wire.h`).
        wire.setsockopt(_SOL_PACKET, _PACKET_AUXDATA, 1)
        index = socket.if_nametoindex(name)
        wire.setsockopt(
            _SOL_PACKET, _PACKET_ADD_MEMBERSHIP, struct.pack("iHH8x", index, _PACKET_MR_PROMISC, 0)
        )
        wire.bind((name, _ETH_P_ALL))
        request = fcntl.ioctl(wire, _SIOCGIFFLAGS, struct.pack("16sH22x", name.encode(), 0))
        if not struct.unpack_from("16xH", request)[0] & _IFF_UP:
            raise UsageError(f"the interface {name} is down: ip link set {name} up")
    except OSError as error:
        wire.close()
        raise UsageError(f"cannot use the interface {name}: {error.strerror}") from None
    except BaseException:
        wire.close()
        raise
    return wire.detach()


def connect(host, port):
    """A TCP connection to something that listens (QEMU: `-netdev socket,listen=`)."""
    try:
        connection = socket.create_connection((host, port), timeout=10)
    except OSError as error:
        raise UsageError(
            f"cannot connect to {host}:{port}: {error.strerror or error}; start the "
            "other end first, or use --listen here"
        ) from None
    connection.setblocking(False)
    return connection.detach()


def listen(host, port):
    """A socket that listens (QEMU: `-netdev socket,connect=`)."""
    try:
        listener = socket.create_server((host, port))
    except (OSError, OverflowError) as error:
        number = error.errno if isinstance(error, OSError) else None
        reason = os.strerror(number) if number else error
        raise UsageError(f"cannot listen on {host}:{port}: {reason}") from None
    listener.setblocking(False)
    return listener.detach()
