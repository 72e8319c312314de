"""LIRS made of one clock with three hands: a cold key that is used again within its test becomes hot (CLOCK-Pro).

The clock holds hot keys, cold ones, and ghosts: evicted cold keys in their test. The cold hand evicts, makes hot who
was used in its test, and starts another test for who was used after it. The hot hand makes the first hot key cold that
was not used, and ends the tests that it passes; the test hand ends tests to keep the ghosts within the capacity. Keys
enter just behind the hot hand. A test passed gives cold keys more of the capacity, a test that ends gives them less.

Two variants. ``clock-pro`` is the paper's: every key that misses comes in. ``clock-pro-lcs`` (``cold=0.5,refuse=1``)
does as libcachesim 0.3.5: a key comes in only while it and the cold keys fit their share, which starts at half of the
cache. So nothing ever has to leave, no test begins, and the first keys to come stay for ever.

Jiang, Chen, Zhang: CLOCK-Pro: an effective improvement of the CLOCK replacement. USENIX ATC 2005.
"""

from typing import NamedTuple

import numpy as np

from hiersim.policies import memory, ring
from hiersim.policies.contract import Request, Setup
from hiersim.policies.weighed import size_of

ABSENT, HOT, COLD, TEST, GHOST = range(5)  # what a key is; TEST: cold, in its test
HOT_BYTES, COLD_BYTES, GHOST_BYTES, CAPACITY, COLD_TARGET, DOOMED, COLD_HAND, TEST_HAND, REFUSE = range(9)  # `amounts`


class Params(NamedTuple):
    """Where the adaptation starts, and what tells the two variants apart."""

    cold: float = 0.01  # share of the capacity for cold keys at first, at least 1
    refuse: int = 0  # 1: what does not fit into the share of the cold keys is not let in; 0: everything is


class State(NamedTuple):
    """The clock from the hot hand onwards, and apart from it the cold keys that are here; heads come last."""

    links: np.ndarray  # int32[2 * (objects + 1)]: older and newer key on the clock
    colds: np.ndarray  # int32[2 * (objects + 1)]: older and newer cold key
    status: np.ndarray  # uint8[objects]: ABSENT, HOT, COLD, TEST or GHOST
    used: np.ndarray  # uint8[objects]: 1 after a hit that no hand has seen
    sizes: np.ndarray  # int64[objects + 1] bytes; int64[1] where every key counts 1
    amounts: np.ndarray  # int64[9]: bytes hot, cold and of ghosts, CAPACITY, COLD_TARGET, the key DOOMED last, hands,
    # and whether to REFUSE


def check_params(params: Params) -> str:
    """Say what is wrong with the parameters."""
    if params.refuse not in (0, 1):
        return f"refuse must be 0 or 1, got {params.refuse}"
    return "" if 0 <= params.cold <= 1 else f"cold must lie between 0 and 1, got {params.cold}"


def init(setup: Setup) -> State:
    """Start with an empty cache; a hand without a key is at the head."""
    cold = cold_share(setup)
    return State(
        ring.empty(setup.objects),
        ring.empty(setup.objects),
        np.full(setup.objects, ABSENT, np.uint8),
        np.zeros(setup.objects, np.uint8),
        np.ones(1 if setup.uniform else setup.objects + 1, np.int64),
        np.array([0, 0, 0, setup.capacity, cold, -1, setup.objects, setup.objects, setup.params.refuse], np.int64),
    )


def cold_share(setup: Setup) -> int:
    """Return the bytes for cold keys at first; none may come of a share that is too small, if it can refuse."""
    return max(1 - int(setup.params.refuse), int(setup.capacity * setup.params.cold))


def admit(state: State, key: int, req: Request) -> bool:
    """Let everything in, or what fits with the cold keys into their share."""
    amounts = state.amounts
    return bool(amounts[REFUSE] == 0 or amounts[COLD_BYTES] + req.size <= amounts[COLD_TARGET])


def on_insert(state: State, key: int, req: Request) -> None:
    """Become hot if it was a ghost, else cold and in test; then forget ghosts beyond the capacity."""
    amounts = state.amounts
    if state.sizes.shape[0] > 1:
        state.sizes[key] = req.size
    if state.status[key] == GHOST:
        leave(state, key)
        become_hot(state, key)
    else:
        become_cold(state, key, TEST)
    while amounts[GHOST_BYTES] > amounts[CAPACITY]:
        run_test(state)


def on_hit(state: State, key: int, req: Request) -> None:
    """Set the key's bit."""
    state.used[key] = 1


def on_remove(state: State, key: int) -> None:
    """Leave; who is evicted in its test stays on the clock as a ghost."""
    if state.amounts[DOOMED] == key and state.status[key] == TEST:
        leave_colds(state, key)
        state.amounts[COLD_BYTES] -= size_of(state, key)
        state.amounts[GHOST_BYTES] += size_of(state, key)
        state.status[key] = GHOST
    else:
        leave(state, key)
    state.amounts[DOOMED] = -1


def victim(state: State, req: Request) -> int:
    """Move the cold hand to the first cold key that was not used; who was goes behind the hot hand."""
    amounts = state.amounts
    if amounts[COLD_BYTES] == 0:
        run_hot(state)
    key = amounts[COLD_HAND]
    while state.used[key]:
        tested = state.status[key] == TEST
        leave(state, key)
        if tested:
            become_hot(state, key)
        else:
            become_cold(state, key, TEST)
        if amounts[COLD_BYTES] == 0:
            run_hot(state)
        key = amounts[COLD_HAND]
    amounts[DOOMED] = key
    return int(key)


def become_hot(state: State, key: int) -> None:
    """Enter hot after a test passed, which gives cold keys more; hot keys beyond their share become cold."""
    amounts = state.amounts
    amounts[COLD_TARGET] = min(amounts[COLD_TARGET] + size_of(state, key), amounts[CAPACITY])
    enter(state, key, HOT)
    amounts[HOT_BYTES] += size_of(state, key)
    while amounts[HOT_BYTES] > amounts[CAPACITY] - amounts[COLD_TARGET]:
        run_hot(state)


def become_cold(state: State, key: int, status: int) -> None:
    """Enter cold, in test or not."""
    amounts, head = state.amounts, state.status.shape[0]
    enter(state, key, status)
    ring.push(state.colds, head, key)
    amounts[COLD_BYTES] += size_of(state, key)
    if amounts[COLD_HAND] == head:
        amounts[COLD_HAND] = key


def enter(state: State, key: int, status: int) -> None:
    """Enter just behind the hot hand, unused."""
    head = state.status.shape[0]
    state.status[key] = status
    state.used[key] = 0
    ring.push(state.links, head, key)
    if state.amounts[TEST_HAND] == head:
        state.amounts[TEST_HAND] = key


def leave(state: State, key: int) -> None:
    """Leave the clock; a hand on the key moves on."""
    amounts, status = state.amounts, state.status[key]
    if status == HOT:
        amounts[HOT_BYTES] -= size_of(state, key)
    elif status == GHOST:
        amounts[GHOST_BYTES] -= size_of(state, key)
    else:
        amounts[COLD_BYTES] -= size_of(state, key)
        leave_colds(state, key)
    if amounts[TEST_HAND] == key:
        amounts[TEST_HAND] = following(state.links, key)
    ring.unlink(state.links, key)
    state.status[key] = ABSENT


def leave_colds(state: State, key: int) -> None:
    """Be no longer a cold key that is here; the cold hand moves on."""
    if state.amounts[COLD_HAND] == key:
        state.amounts[COLD_HAND] = following(state.colds, key)
    ring.unlink(state.colds, key)


def following(links: np.ndarray, key: int) -> int:
    """Return the key after this one, around the clock; the head if there is no other."""
    head = links.shape[0] // 2 - 1
    after = ring.newer(links, key)
    if after == head:
        after = ring.newer(links, head)
    return int(head if after == key else after)


def run_hot(state: State) -> None:
    """Make the first hot key cold that was not used, and stop at the next hot one; tests passed on the way end."""
    found = state.amounts[HOT_BYTES] == 0
    key = ring.newer(state.links, state.status.shape[0])
    while state.amounts[HOT_BYTES] > 0 and not (found and state.status[key] == HOT):
        if state.status[key] != HOT:
            end_test(state, key)
            if state.status[key] == COLD:
                pass_by(state.colds, key)
                pass_by(state.links, key)
        elif state.used[key]:
            state.used[key] = 0
            pass_by(state.links, key)
        else:
            leave(state, key)
            become_cold(state, key, COLD)
            found = True
        key = ring.newer(state.links, state.status.shape[0])


def pass_by(links: np.ndarray, key: int) -> None:
    """Move the hot hand over a key: what came first on the clock from the hand onwards now comes last."""
    ring.unlink(links, key)
    ring.push(links, links.shape[0] // 2 - 1, key)


def run_test(state: State) -> None:
    """End the test of the first cold key or ghost, and move on."""
    key = state.amounts[TEST_HAND]
    while state.status[key] == HOT:
        key = following(state.links, key)
    state.amounts[TEST_HAND] = following(state.links, key)
    end_test(state, key)


def end_test(state: State, key: int) -> None:
    """End a key's test if it is in one, which gives cold keys less; a ghost is forgotten."""
    if state.status[key] == COLD:
        return
    state.amounts[COLD_TARGET] = max(state.amounts[COLD_TARGET] - size_of(state, key), 1)
    if state.status[key] == GHOST:
        leave(state, key)
    else:
        state.status[key] = COLD


def fetch_ahead(state: State, key: int, later: int) -> None:
    """Fetch what an access to come will touch."""
    memory.prefetch(state.used, key)
    memory.prefetch(state.status, key)
    memory.prefetch(state.links, 2 * key)
