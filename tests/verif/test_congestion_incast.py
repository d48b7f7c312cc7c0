"""The law of congestion control as a whole: models that keep to it, behind one port of a switch."""

import pytest

from tests.long import long_case
from tests.verif.incast import SINK, VC, Incast


@pytest.mark.parametrize("senders, loss", [(1, 0), (2, 0), long_case(8, 0), (4, 0.01)])
def test_a_shared_port_is_full_fair_and_loses_nothing(senders, loss):
    incast = Incast(senders, loss=loss).run(12_000)
    incast.measure()
    incast.run(12_000)
    assert incast.used > 0.94, "of the line"
    assert incast.fairness > 0.95, "Jain's index"
    assert incast.drops == 0, "none for want of room"
    if senders > 1:  # else its host is as fast as the line, and nothing waits behind a packet
        assert incast.nodes[SINK].endpoint.governor.receiver.links == senders


def test_without_the_law_most_is_dropped():
    incast = Incast(8, governed=False).run(3000)
    incast.measure()
    incast.run(3000)
    assert incast.drops > sum(incast.got.values()) and incast.fairness < 0.5


def test_who_is_alone_again_takes_the_whole_line():
    incast = Incast(4).run(4000)
    for node in range(SINK + 2, SINK + 5):
        incast.nodes[node].payload = lambda *_: None  # its host has no more
    incast.run(9000)
    incast.measure()
    incast.run(3000)
    assert incast.used > 0.94
    assert incast.nodes[SINK + 1].endpoint.governor.senders[SINK, VC].gap == 0


@pytest.mark.parametrize("loss", [0.05, 0.3])
def test_everything_arrives_over_a_bad_network(loss):
    """Whatever is lost, the gate opens again in the end."""
    incast = Incast(3, loss=loss).run(4000)
    for node in incast.nodes:
        incast.nodes[node].payload = lambda *_: None
    senders = [peer.endpoint for node, peer in incast.nodes.items() if node != SINK]
    for _ in range(60):
        if not any(link.stored for model in senders for link in model.links):
            break
        incast.run(1000)
    taken = [link.end - link.first_id for model in senders for link in model.links]
    assert len(taken) == 3 and not any(link.stored for model in senders for link in model.links)
    assert sum(incast.got.values()) == sum(taken) > 50
