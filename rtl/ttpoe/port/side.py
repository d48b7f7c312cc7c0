"""What every kind of MAC looks like to a port: `side_signature`."""

from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from ..layouts import beat_layout

__all__ = ["side_signature"]


def side_signature(config, kind):
    """Members of the component that stands for a MAC of this `Kind`.

    i : In(stream of beat), o : Out(stream of beat), in `sync`
        Frames to the wire, without FCS; frames from it, with the verdict in `error` at `last`.
        Whoever takes these must do so in each clock.
    cfg_phy_* : In, phy_* : Out, in `sync`
        The kind's `control` and `status`.
    stat_* : Out(1), in `sync`
        The kind's `stats`: one-clock pulses.
    the kind's `pins`
        Each belongs to the clock that its words say.
    """
    return wiring.Signature(
        {
            "i": In(stream.Signature(beat_layout(config))),
            "o": Out(stream.Signature(beat_layout(config))),
            **{f"cfg_phy_{level.name}": In(level.width) for level in kind.control},
            **{f"phy_{level.name}": Out(level.width) for level in kind.status},
            **{name: Out(1) for name in kind.stats},
            **{
                pin.name: pin.flow(pin.width)
                for pin in kind.pins
                if not pin.name.startswith("mdio_") and pin.name != "mdc"
            },
        }
    )
