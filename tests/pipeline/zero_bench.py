"""Tags of links whose peer sends epoch 0."""

import pytest

from ttpoe.link.fsm import LinkState

OPEN, CLOSE_SENT, CLOSE_RECD = LinkState.OPEN, LinkState.CLOSE_SENT, LinkState.CLOSE_RECD


CLOSED, OPEN_SENT, OPEN_RECD = LinkState.CLOSED, LinkState.OPEN_SENT, LinkState.OPEN_RECD


DATA = (OPEN, CLOSE_SENT, CLOSE_RECD)


MASK = (1 << 32) - 1


UNA, R = 100, 500


IDLE = dict(una=UNA, received=R)


BUSY = dict(IDLE, alloc=3, sent=2, current=2)  # 100 and 101 are in flight, 102 waits


FLYING = dict(IDLE, alloc=2, sent=2, current=2)


PEER = 0x31


every_state = pytest.mark.parametrize("state", DATA)
