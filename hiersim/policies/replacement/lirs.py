"""Low inter-reference recency: keys whose last two uses lie close together stay, all others pass through 1 % (LIRS).

Stack S has the keys that stay (LIR) and all that were used since the least recent of them, evicted ones too; queue Q
the others that are here (HIR). An HIR key that is used while in S has a shorter distance than the LIR key at the bottom
of S, and they change places. The bottom of S is always LIR.

In the variant ``lirs-lcs`` (``early=1``), which does as libcachesim 0.3.5, HIR keys never have more than their 1 %:
they leave though LIR keys leave room. And a hit in Q on a key that is no longer in S demotes LIR keys, as if it became
one.

Jiang, Zhang: LIRS: an efficient low inter-reference recency set replacement policy to improve buffer cache
performance. SIGMETRICS 2002.
"""

from typing import NamedTuple

import numpy as np

from hiersim.policies import memory, ring
from hiersim.policies.contract import Request, Setup, portion
from hiersim.policies.weighed import size_of

ABSENT, LIR, HIR, GHOST = range(4)  # what a key is; a ghost is evicted and still in S
LIR_BYTES, STACK_BYTES, LIR_SIZE, STACK_SIZE, DOOMED, BYTES, HIR_SIZE, EARLY = range(8)  # what `amounts` holds


class Params(NamedTuple):
    """The paper's share for HIR keys, and a bound on its stack."""

    hir: float = 0.01  # share of the capacity for HIR keys, at least 1
    stack: float = 2.0  # size of S as a multiple of the capacity; beyond it the first evicted ghost is forgotten
    early: int = 0  # 1: as libCacheSim has it


class State(NamedTuple):
    """Stack S by recency; queue Q and the ghosts, both in the order in which keys came to it."""

    stack: np.ndarray  # int32[2 * (objects + 1)]: older and newer key in S; its head is the last entry
    lines: np.ndarray  # int32[2 * (objects + 2)]: the same in Q or among the ghosts; their heads are the last entries
    status: np.ndarray  # uint8[objects]: ABSENT, LIR, HIR or GHOST
    stacked: np.ndarray  # uint8[objects]: 1 if in S
    sizes: np.ndarray  # int64[objects + 1] bytes; int64[1] where every key counts 1
    amounts: np.ndarray  # int64[8]: bytes of LIR keys and in S, how many each may have, the key DOOMED last; bytes of
    # all that are here, how many HIR keys may have, `early`


def check_params(params: Params) -> str:
    """Say what is wrong with the parameters."""
    if not 0 <= params.hir <= 1:
        return f"hir must lie between 0 and 1, got {params.hir}"
    if params.stack < 1:
        return f"stack must be at least 1, got {params.stack}"
    return "" if params.early in (0, 1) else f"early must be 0 or 1, got {params.early}"


def init(setup: Setup) -> State:
    """Start with an empty cache."""
    capacity, params = setup.capacity, setup.params
    stay = capacity - max(1, int(capacity * params.hir))
    return State(
        ring.empty(setup.objects),
        ring.empty(setup.objects, 2),
        np.full(setup.objects, ABSENT, np.uint8),
        np.zeros(setup.objects, np.uint8),
        np.ones(1 if setup.uniform else setup.objects + 1, np.int64),
        np.array([0, 0, stay, portion(capacity, params.stack), -1, 0, capacity - stay, params.early], np.int64),
    )


def on_insert(state: State, key: int, req: Request) -> None:
    """Become LIR if it was a ghost or there is room for one, else HIR."""
    amounts, was = state.amounts, state.status[key]
    if state.sizes.shape[0] > 1:
        state.sizes[key] = req.size
    amounts[BYTES] += size_of(state, key)
    if was == GHOST:
        ring.unlink(state.lines, key)
    if was == GHOST or amounts[LIR_BYTES] + size_of(state, key) <= amounts[LIR_SIZE]:
        become_lir(state, key)
    else:
        state.status[key] = HIR
        climb(state, key)
        ring.push(state.lines, state.status.shape[0], key)
    forget_ghosts(state)


def on_hit(state: State, key: int, req: Request) -> None:
    """Climb to the top of S; an HIR key becomes LIR if it was in S, else the last of Q."""
    if state.status[key] == LIR:
        climb(state, key)
        prune(state)
        return
    ring.unlink(state.lines, key)
    if state.stacked[key]:
        become_lir(state, key)
    else:
        ring.push(state.lines, state.status.shape[0], key)
        if state.amounts[EARLY] == 1:
            make_room(state, size_of(state, key))
        climb(state, key)
        forget_ghosts(state)


def on_remove(state: State, key: int) -> None:
    """Leave; who is evicted stays in S, if it is there, as a ghost."""
    if state.status[key] == LIR:
        state.amounts[LIR_BYTES] -= size_of(state, key)
    else:
        ring.unlink(state.lines, key)
    state.amounts[BYTES] -= size_of(state, key)
    if state.amounts[DOOMED] == key and state.stacked[key]:
        state.status[key] = GHOST
        ring.push(state.lines, state.status.shape[0] + 1, key)
        forget_ghosts(state)
    else:
        state.status[key] = ABSENT
        if state.stacked[key]:
            leave_stack(state, key)
            prune(state)
    state.amounts[DOOMED] = -1


def victim(state: State, req: Request) -> int:
    """Choose the first of Q, where the LIR key at the bottom of S goes if Q is empty."""
    queue = state.status.shape[0]
    if ring.newer(state.lines, queue) == queue:
        demote(state)
    state.amounts[DOOMED] = ring.newer(state.lines, queue)
    return int(state.amounts[DOOMED])


def sheds(params: Params) -> bool:
    """Tell whether keys leave though there is room."""
    return params.early == 1


def surplus(state: State) -> int:
    """Choose the first of Q while HIR keys have more than their share, but for a single one."""
    amounts, queue = state.amounts, state.status.shape[0]
    first = ring.newer(state.lines, queue)
    if amounts[BYTES] - amounts[LIR_BYTES] <= amounts[HIR_SIZE] or first == queue:
        return -1
    if ring.newer(state.lines, first) == queue:
        return -1
    amounts[DOOMED] = first
    return int(first)


def make_room(state: State, size: int) -> None:
    """Demote LIR keys until one of this size would fit among them."""
    while state.amounts[LIR_BYTES] > 0 and state.amounts[LIR_BYTES] + size > state.amounts[LIR_SIZE]:
        demote(state)


def become_lir(state: State, key: int) -> None:
    """Become LIR at the top of S, and let those at its bottom become HIR that no longer fit."""
    state.status[key] = LIR
    state.amounts[LIR_BYTES] += size_of(state, key)
    climb(state, key)
    prune(state)
    while state.amounts[LIR_BYTES] > state.amounts[LIR_SIZE]:
        demote(state)


def demote(state: State) -> None:
    """Make the LIR key at the bottom of S the last of Q."""
    key = bottom(state)
    state.amounts[LIR_BYTES] -= size_of(state, key)
    state.status[key] = HIR
    leave_stack(state, key)
    ring.push(state.lines, state.status.shape[0], key)
    prune(state)


def prune(state: State) -> None:
    """Take keys from the bottom of S until it is LIR; ghosts are forgotten."""
    key = bottom(state)
    while key < state.status.shape[0] and state.status[key] != LIR:
        leave_stack(state, key)
        if state.status[key] == GHOST:
            state.status[key] = ABSENT
            ring.unlink(state.lines, key)
        key = bottom(state)


def forget_ghosts(state: State) -> None:
    """Forget the ghosts that became so first until S is within its size, or has none."""
    ghosts = state.status.shape[0] + 1
    key = ring.newer(state.lines, ghosts)
    while state.amounts[STACK_BYTES] > state.amounts[STACK_SIZE] and key != ghosts:
        ring.unlink(state.lines, key)
        leave_stack(state, key)
        state.status[key] = ABSENT
        key = ring.newer(state.lines, ghosts)


def bottom(state: State) -> int:
    """Return the key at the bottom of S; the head if S is empty."""
    return int(ring.newer(state.stack, state.status.shape[0]))


def climb(state: State, key: int) -> None:
    """Get to the top of S."""
    if state.stacked[key]:
        ring.unlink(state.stack, key)
    else:
        state.stacked[key] = 1
        state.amounts[STACK_BYTES] += size_of(state, key)
    ring.push(state.stack, state.status.shape[0], key)


def leave_stack(state: State, key: int) -> None:
    """Leave S."""
    state.stacked[key] = 0
    state.amounts[STACK_BYTES] -= size_of(state, key)
    ring.unlink(state.stack, key)


def fetch_ahead(state: State, key: int, later: int) -> None:
    """Fetch what an access to come will touch."""
    memory.prefetch(state.stack, 2 * key)
    memory.prefetch(state.status, key)
    memory.prefetch(state.stacked, key)


def fetch_near(state: State, key: int) -> None:
    """Fetch its neighbours in the list."""
    ring.fetch(state.stack, key)
