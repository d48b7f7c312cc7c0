"""What is asked of a board over its UART: who it is, its counters, round trips, throughput."""

import time

from ttpoe.board.registers import APPS, MAGIC, PROTOCOL, board_registers
from ttpoe.config import preset
from ttpoe.csr.access import RegisterAccess, Registers
from ttpoe.csr.registers import counters
from ttpverif.cli.errors import Failed, UsageError

__all__ = ["Talk", "talk"]

_LENGTHS = {"short": 0, "long": 1, "uniform": 2, "mixed": 3}
_SECONDS = 30.0
_ERRORS = ("", "another packet", "wrong length", "wrong data", "another node", "wrong ID")


class Talk:
    """A board behind a `BoardLink`: its registers by name.

    `board.BOARD_APP.fields()` as of `csr.access.RegisterAccess`; `port.NODE` of the port.
    `wait`: so many seconds of the clock `now` without a packet are too many.
    """

    def __init__(self, link, wait=_SECONDS, now=time.monotonic):
        self.link, self.wait, self.now = link, wait, now
        self.board = self._named("echo")
        if (magic := self.board["BOARD_MAGIC"].read()) != MAGIC:
            raise Failed(f"this is no board of this project: it says 0x{magic:08X}")
        said = self.board["BOARD_APP"].fields()
        self.app = {number: name for name, number in APPS.items()}.get(said["app"])
        if said["protocol"] != PROTOCOL or self.app is None:
            raise Failed(f"the board speaks another protocol or has another application: {said}")
        self.board = self._named(self.app)
        self.clock_hz = self.board["BOARD_CLOCK"].read()
        # Addresses are the same in every configuration.
        self.port = Registers(preset("default"), link.read, link.write, "rgmii")

    def _named(self, app):
        return {
            register.name: RegisterAccess(register, self.link.read, self.link.write)
            for register in board_registers(app, 0)
        }

    def status(self):
        """What the board is and how it is, as lines."""
        lights = self.board["BOARD_LEDS"].fields()
        version, path = self.port.VERSION.fields(), self.port.DATAPATH.fields()
        lines = {
            "application": self.app,
            "clock": f"{self.clock_hz / 1e6:g} MHz",
            "node": f"{self.port.NODE.read():06x}",
            "registers": f"version {version['major']}.{version['minor']}, beats of "
            f"{path['width_bits']} bits, {self.port.LINKS.read()} links",
            "engine": "ready" if self.port.STATUS.fields()["ready"] else "not ready",
            "PHY": self._phy(),
            "LEDs": ", ".join(name for name, lit in lights.items() if lit) or "dark",
        }
        if self.app == "echo":
            lines["sent back"] = f"{self.board['ECHO_PACKETS'].read()} packets"
        return [f"{name:14} {text}" for name, text in lines.items()]

    def _phy(self):
        said = self.port.PHY_STATUS.fields()
        if not said["link"]:
            return "says no link"
        speed = (10, 100, 1000, "?")[said["speed"]]
        return f"link, {speed} Mb/s, {'full' if said['full_duplex'] else 'half'} duplex"

    def counts(self, names=None):
        """`{name: value}` of the counters that are not 0; of all, or of those that are named."""
        names = [f"stat_{name}" for name in names] if names else list(counters("rgmii"))
        addresses = [self.port.counter(name).register.address for name in names]
        found = dict(zip(names, self.link.read_many(addresses)))
        return {name.removeprefix("stat_"): value for name, value in found.items() if value}

    # ---- traffic --------------------------------------------------------------------------

    def run(self, node, packets, one, lengths="long", seed=1):
        """Send `packets` to `node`, which sends them back, one at a time or as fast as they go; the
        figures of the application, as a dict. `Failed` if not all came back, or one is wrong."""
        if self.app != "traffic":
            raise UsageError(f"the board's application is {self.app}; --ping needs traffic")
        registers = self.board
        control = registers["TRAFFIC_CONTROL"]
        control.write(reset=1)
        registers["TRAFFIC_NODE"].write(node)
        registers["TRAFFIC_SEED"].write(seed)
        registers["TRAFFIC_GAP"].write(0)
        registers["TRAFFIC_LIMIT"].write(packets)
        kind = dict(lengths=_LENGTHS[lengths], one=int(one))
        control.write(reset=1, **kind)
        control.write(enable=1, **kind)
        received = self._wait(packets)
        control.write(**kind)
        names = [name for name in registers if name.startswith(("TRAFFIC_", "PING_"))]
        words = self.link.read_many([registers[name].register.address for name in names])
        found = dict(zip(names, words))
        if error := found["TRAFFIC_ERROR"] & 7:
            raise Failed(
                f"packet {found['TRAFFIC_ERROR_NUMBER']} came back wrong: {_ERRORS[error]}"
            )
        if received != packets:
            raise Failed(f"{received} of {packets} packets came back from node {node:06x}")
        return found

    def _wait(self, packets):
        """Until all are there, one is wrong, or none has come for `wait` seconds; how many."""
        before, since = 0, self.now()
        while self.now() < since + self.wait:
            received = self.board["TRAFFIC_RECEIVED"].read()
            if received >= packets or self.board["TRAFFIC_ERROR"].fields()["error"]:
                break
            if received != before:
                before, since = received, self.now()
        return received

    def ping(self, node, packets, seed=1):
        """Round trips of short packets, one at a time, as one line."""
        found = self.run(node, packets, one=True, lengths="short", seed=seed)
        least, most, mean = (
            clocks * 1e6 / self.clock_hz
            for clocks in (found["PING_LEAST"], found["PING_MOST"], found["PING_SUM"] / packets)
        )
        return (
            f"ping           {packets} packets of 1 to 64 bytes came back: "
            f"{least:.2f} us at least, {mean:.2f} us on average, {most:.2f} us at most"
        )

    def throughput(self, node, packets, seed=2):
        """As fast as they go, as one line."""
        found = self.run(node, packets, one=False, seed=seed)
        seconds = found["TRAFFIC_CLOCKS"] / self.clock_hz
        rate = 8 * found["TRAFFIC_BYTES"] / seconds / 1e6
        return (
            f"throughput     {packets} packets of 961 to 1024 bytes came back: "
            f"{rate:.1f} Mb/s of payload each way"
        )


def talk(link, peer=None, count=1000, wait=_SECONDS):
    """Everything, printed; the exit code."""
    board = Talk(link, wait)
    print("\n".join(board.status()), flush=True)
    if peer is not None:
        print(board.ping(peer, count), flush=True)
        print(board.throughput(peer, count), flush=True)
    for name, value in board.counts().items():
        print(f"{name:30} {value}")
    return 0
