"""Plays Tesla's captures to the model."""

from ..model.endpoint import Endpoint, Parameters
from ..model.peer import Peer
from .captures import NODES, Replay

__all__ = ["model_in_the_place_of", "replay_on_model"]


def model_in_the_place_of(role):
    """A `Peer` with the settings that `captures` asks for."""
    return Peer(Endpoint(Parameters(NODES[role], init_id=1, fixed_open_id=True, ethertype=0x9AC6)))


def replay_on_model(capture, role):
    """The finished `Replay`, and the `Peer` after it."""
    replay, peer = Replay(capture, role), model_in_the_place_of(role)
    payloads = []
    for step in replay.steps:
        kind, node, vc, data = replay.stimulus(step)
        if kind == "restart":
            peer = model_in_the_place_of(role)
        elif kind == "inject":
            peer.receive(data)
        elif kind == "payload":
            payloads.append(peer.payload(node, vc, data).result)
        elif kind == "open":
            peer.open(node, vc)
        elif kind == "close":
            peer.close(node, vc)
        else:
            peer.timer_round()  # sets the link's bit, the second round finds it
            if not (peer.sent or peer.endpoint.pending()):
                peer.timer_round()
        peer.visit_all()
        replay.check(step, peer.take_sent())
    assert payloads == ["TAKEN"] * len(payloads)
    return replay, peer
