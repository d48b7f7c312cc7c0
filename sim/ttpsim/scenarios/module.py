"""The engine against peers that behave as Tesla's module does, its faults included (section 10).

Each case starts from scratch and ends with every link closed. `Ledger` checks that nothing is lost
without a notice, nothing is delivered twice and all is in order, the reference model follows every
event, and control frames are counted: no more than 20 for each packet that arrives.
"""

from collections.abc import Iterable
from typing import TypeVar

from ttpsim.scenarios._module_play import MODULE, ModulePlay
from ttpverif.bench.bench import scenario
from ttpverif.module import Options

_Item = TypeVar("_Item")

GROUPS = {
    "data": ("sizes", "loss", "two_modules"),
    "restarts": ("module_restarts", "engine_restarts", "ambiguous_restart"),
    "closes": ("module_closes", "engine_closes", "page_full"),
    "opens": ("late_open", "opens_again", "start_ids", "wake"),
}
# fmt: off
RUNS = [{"sim": "verilator", "preset": "tiny", "name": name, "params": {"cases": cases},
         "short": {"share": 0.3}} for name, cases in GROUPS.items()] + [
    {"sim": "verilator", "preset": "tiny", "name": f"{name}_again", "params": {"cases": cases},
     "seed": 2, "short": {"share": 0.1}} for name, cases in GROUPS.items()] + [
    # Icarus is fifty times slower: each group of cases, but not each case.
    {"sim": "icarus", "preset": "tiny", "name": "icarus",
     "params": {"cases": ("sizes", "loss", "module_restarts", "module_closes", "wake", "start_ids"),
                "share": 0.05, "per_ms": 4}, "short": {"cases": ("wake", "start_ids")}}]
# fmt: on

SIZES = (1, 3, 4, 5, 63, 64, 65, 127, 500, 1000, 1007, 1008)
STARTS = (0, 1, 1000, 2**31 - 8, 2**32 - 1, 2**32 - 2, 2**32 - 16)
PLAIN = Options(mutes_third_vc=False)


def module(**options):
    return Options(
        **{"mutes_third_vc": False, "events": 16, "crossing_close_ends": True, **options}
    )


async def both_ways(play, count=3, node=MODULE, vc=0):
    """Packets each way, until all have arrived."""
    due = play.ledger.delivered + 2 * count
    for _ in range(count):
        play.send(node, vc)
        play.write(node, vc)
    await play.until(lambda: play.ledger.delivered >= due, 4000, f"{count} packets each way")


class Cases:
    """One method each; `few(items)` is the share of them that this run does."""

    def __init__(self, play, share):
        self.play, self.share = play, share

    def few(self, items: Iterable[_Item]) -> list[_Item]:
        known, count = list(items), 1
        while count < len(known) * self.share:
            count += 1
        picked = set(self.play.bench.rng("share").sample(range(len(known)), count))
        return [item for number, item in enumerate(known) if number in picked]

    # ---- data ---------------------------------------------------------------------------------

    async def sizes(self):
        play = self.play
        await play.fresh("sizes", {MODULE: PLAIN})
        for vc in range(3):
            for size in self.few(SIZES):
                due = play.ledger.delivered + 2
                play.send(MODULE, vc, size)
                play.write(MODULE, vc, size)
                await play.until(lambda: play.ledger.delivered >= due, 2000, f"{size} bytes")
        await play.finish()

    async def loss(self):
        """Data both ways, now and then a pause in which timers matter."""
        for percent, count in self.few(((5, 40), (20, 20))):
            await self._lossy(
                f"loss {percent}", {MODULE: module(leftovers="plausible")}, percent, count
            )

    async def two_modules(self):
        await self._lossy(
            "two modules",
            {MODULE: module(), 0x13: module(start_id=1000)},
            5,
            12 if self.share < 0.4 else 30,
        )

    async def _lossy(self, name, modules, percent, count):
        play, rate = self.play, percent / 100
        await play.fresh(
            name,
            modules,
            {"loss": rate, "duplicate": 0.05, "reorder": 0.05},
            late_opens=0.2,
            max_retry=30,
        )
        for number in range(count):
            vc = play.random.choice((0, 1, 2))
            node = play.random.choice(list(modules))
            play.random.choice((play.send, play.write))(node, vc, play.random.choice(SIZES))
            await play.wait(play.random.choice((1, 5, 30, 30, 600 if number % 8 == 0 else 1)))
            play.read()
        await play.finish(stuck=True)

    # ---- restarts -----------------------------------------------------------------------------

    async def module_restarts(self):
        """With and without data before it, and with data of ours under way; silent or opening."""
        play = self.play
        for before, opens, ours in self.few(
            (b, o, w) for b in (0, 1, 4) for o in (True, False) for w in (0, 1, 3)
        ):
            await play.fresh(f"module restarts {before} {opens} {ours}", {MODULE: module()})
            play.module_open()
            await play.wait(20)
            await both_ways(play, before)
            play.reload()
            if opens:
                play.module_open()
            for _ in range(ours):
                play.send()
            await play.wait(700)
            play.write()
            await play.wait(700)
            play.send()
            play.write()
            await play.finish()
            told = play.ledger.notices
            assert not before or told["PEER_RESTARTED"] or told["LINK_DOWN"] > 1, (
                f"{play.name}: the host must hear of it"
            )

    async def ambiguous_restart(self):
        """One packet came, ours sent nothing: its first OPEN looks like a repeated one (Z4)."""
        play = self.play
        for start in self.few(STARTS):
            await play.fresh(f"ambiguous restart {start}", {MODULE: module(start_id=start)})
            play.write()
            await play.wait(50)
            play.reload()
            play.module_open()
            await play.wait(50)
            play.write()
            play.write()
            await play.finish()
            assert play.ledger.notices["PEER_RESTARTED"] == 1

    async def engine_restarts(self):
        """The module sends on from where it was (capture 31)."""
        play = self.play
        for before, opens, theirs in self.few(
            (b, o, w) for b in (0, 4) for o in (True, False) for w in (0, 3)
        ):
            await play.fresh(f"engine restarts {before} {opens} {theirs}", {MODULE: module()})
            play.module_open()
            await play.wait(20)
            await both_ways(play, before)
            for _ in range(theirs):
                play.write()
            await play.restart()
            if opens:
                play.send()
            await play.wait(500)
            play.write()
            await play.wait(600)
            await both_ways(play)
            await play.finish()

    # ---- closes -------------------------------------------------------------------------------

    async def module_closes(self):
        await self._closes(self.play.module_close, "module closes")

    async def engine_closes(self):
        await self._closes(self.play.close, "engine closes")

    async def _closes(self, close, name):
        """With data unacknowledged on either side, on a wire that loses or not."""
        play = self.play
        for percent, ours, theirs in self.few(
            (p, o, t) for p in (0, 5, 20) for o in (0, 3) for t in (0, 3)
        ):
            await play.fresh(
                f"{name} {percent} {ours} {theirs}",
                {MODULE: module(leftovers="plausible")},
                {"loss": percent / 100},
            )
            await both_ways(play, 2)
            for _ in range(ours):
                play.send()
            for _ in range(theirs):
                play.write()
            await play.wait(play.random.choice((0, 2, 4)))
            close()
            await play.wait(1000)
            await play.finish(stuck=percent > 0)

    async def page_full(self):
        """Captures 33 and 35: the module has no room, and one side closes."""
        play = self.play
        for who in self.few(("module", "engine")):
            await play.fresh(f"page full {who}", {MODULE: PLAIN})
            for _ in range(6):
                play.send(MODULE, 2, 1000)
            await play.wait(400)
            (play.module_close if who == "module" else play.close)(MODULE, 2)
            await play.wait(300)
            await play.finish()
            assert play.ledger.delivered == 6

    # ---- opens --------------------------------------------------------------------------------

    async def late_open(self):
        """Every OPEN comes again 1.2 s late, while data flows and after it."""
        play = self.play
        await play.fresh("late open", {MODULE: module()}, late_opens=1.0)
        play.module_open()
        await play.wait(20)
        for _ in self.few(range(8)):
            await both_ways(play, 1)
            await play.wait(150)
        await play.wait(1200)
        await both_ways(play, 1)
        await play.finish()
        assert not play.ledger.notices["PEER_RESTARTED"], play.story()

    async def opens_again(self):
        """Its user opens once more while an ACK is missing, on either side."""
        play = self.play
        for missing in self.few(("to the module", "to the engine", "none")):
            await play.fresh(
                f"opens again, {missing}", {MODULE: module(payload_in_open_sent="accept")}
            )
            await both_ways(play, 2)
            play.write()
            await play.wait(50)
            if missing == "to the module":
                play.net.lose("ACK")
                play.write()
            elif missing == "to the engine":
                play.net.lose("ACK", to="engine")
                play.send()
            await play.wait(12)
            play.module_open()
            await play.wait(600)
            await both_ways(play, 1)
            await play.finish()
            assert not play.ledger.notices["PEER_RESTARTED"], play.story()

    async def start_ids(self):
        """Either side opens, and the engine restarts under it."""
        play = self.play
        for start, first in self.few((s, f) for s in STARTS for f in ("engine", "module")):
            await play.fresh(f"start ID {start} {first}", {MODULE: module(start_id=start)})
            (play.send if first == "engine" else play.write)()
            await play.wait(50)
            play.write()
            await play.wait(600)  # our r is a guess until the module has opened again
            await both_ways(play, 3)
            await play.restart()
            play.send()
            await play.wait(100)
            play.write()
            await play.wait(600)
            await both_ways(play, 2)
            await play.finish()

    async def wake(self):
        """Capture 38: ours arrives while its PAYLOAD, or our ACK for it, is lost."""
        play = self.play
        for lost in self.few(("PAYLOAD", "ACK")):
            await play.fresh(f"wake {lost}", {MODULE: PLAIN})
            await both_ways(play, 1)
            play.net.lose(lost, to="engine" if lost == "PAYLOAD" else "module")
            play.write()
            play.send()
            await play.until(lambda: play.ledger.delivered == 4, 1500, "woken by the timer")
            await play.finish()


@scenario
async def module_peer(bench):
    play = ModulePlay(bench, bench.params.get("per_ms", 10), bench.params.get("lockstep", True))
    cases = Cases(play, bench.params.get("share", 1.0))
    for name in bench.params["cases"]:
        await getattr(cases, name)()
    bench.report(
        f"{play.cases} cases, {play.delivered} packets, {play.net.control} control frames "
        "in the last"
    )
