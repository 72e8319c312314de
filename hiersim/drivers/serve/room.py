"""Bytes of requests in the near tier that are no shared blocks: how many are needed, taken, given back, remembered.

What a preempted request had is remembered until its room is needed, first in, first out with the room that was free
before; of one request the end goes first, so that what is left is a beginning. Shared blocks
that nobody holds go before.
"""

from __future__ import annotations

from hiersim.drivers.serve import extents
from hiersim.drivers.serve.columns import (
    C_ALLOCATE,
    C_BLOCK,
    C_BLOCK_BYTES,
    C_KIND,
    C_LONGEST,
    C_MAP_BUFFERS,
    C_MAP_BYTES,
    C_MAP_TOKEN_BYTES,
    C_PAGE,
    C_PAGE_BYTES,
    C_REMEMBER,
    C_STATE_BYTES,
    C_WINDOW,
    C_WINDOW_BYTES,
    E_LINE_HEAD,
    E_LINE_TAIL,
    E_SWAP,
    E_TIER,
    MAPPED,
    NONE,
    Q_AT,
    Q_BLOCKS,
    Q_BYTES,
    Q_ENGINE,
    Q_GENERATED,
    Q_GUESS,
    Q_HELD,
    Q_PROMPT,
    Q_REMEMBERED,
    RESERVED,
)
from hiersim.drivers.serve.state import Serve
from hiersim.engine import rooms
from hiersim.engine.columns import T_CAPACITY, T_QUEUED, T_USED
from hiersim.engine.world import World
from hiersim.jit import hot, inner

AHEAD, BYTES, AFTER, BEFORE = 0, 1, 2, 3  # of the line of remembered caches


@hot
def bytes_of(s: Serve, r: int, tokens: int) -> int:
    """Return the bytes that a request's cache takes with so many tokens, shared blocks included.

    What can be shared is kept whole, in layers with windows too; of the rest these keep the last tokens.
    """
    whole = min(tokens, s.queries[r, Q_BLOCKS] * s.settings[C_BLOCK])
    return cache_bytes(s, whole, tokens - whole)


@hot
def cache_bytes(s: Serve, whole: int, rest: int) -> int:
    """Return the bytes of tokens that are kept whole, and of the rest behind them, of which windows keep the last."""
    tokens = whole + rest
    if tokens <= 0:
        return 0
    if s.settings[C_ALLOCATE] == MAPPED:
        page, buffers = s.settings[C_MAP_BYTES], s.settings[C_MAP_BUFFERS]
        return int((tokens * s.settings[C_MAP_TOKEN_BYTES] + page - 1) // page * page * buffers)
    page = s.settings[C_PAGE]
    full = (tokens + page - 1) // page * s.settings[C_PAGE_BYTES]
    near = (whole + page - 1) // page + (min(rest, s.settings[C_WINDOW]) + page - 1) // page
    return int(full + near * s.settings[C_WINDOW_BYTES] + s.settings[C_STATE_BYTES])


@hot
def needed_bytes(s: Serve, r: int) -> int:
    """Return the bytes of a request's cache that have tokens in them."""
    page, tokens = s.settings[C_PAGE], s.queries[r, Q_AT]
    whole = min(tokens, s.queries[r, Q_BLOCKS] * s.settings[C_BLOCK])
    near = whole + min(tokens - whole, s.settings[C_WINDOW])
    sizes = tokens * s.settings[C_PAGE_BYTES] // page + near * s.settings[C_WINDOW_BYTES] // page
    return int(sizes + (s.settings[C_STATE_BYTES] if tokens > 0 else 0))


@hot
def own_bytes(s: Serve, r: int, tokens: int) -> int:
    """Return the bytes of its own that a request needs with so many tokens."""
    return int(max(0, bytes_of(s, r, tokens) - s.queries[r, Q_HELD] * s.settings[C_BLOCK_BYTES]))


@hot
def reserves(s: Serve) -> bool:
    """Say whether a request's room is taken when it is admitted, once and for all."""
    return bool(s.settings[C_ALLOCATE] == RESERVED or extents.placed(s))


@inner
def expect_what_fits(s: Serve, r: int, most: int) -> None:
    """Let the scheduler expect no longer output than the longest request, and the pool, leave room for."""
    prompt = s.queries[r, Q_PROMPT]
    low, high = 1, max(1, min(s.queries[r, Q_GUESS], s.settings[C_LONGEST] - prompt))
    if bytes_of(s, r, prompt + high) <= most:
        low = high
    while low < high:
        middle = (low + high + 1) // 2
        if bytes_of(s, r, prompt + middle) <= most:
            low = middle
        else:
            high = middle - 1
    s.queries[r, Q_GUESS] = low


@inner
def expect_more(w: World, s: Serve, r: int) -> None:
    """Let the scheduler expect twice the output that there is, of a request that outgrew a room that is one piece."""
    if extents.placed(s) and s.queries[r, Q_GENERATED] >= s.queries[r, Q_GUESS]:
        s.queries[r, Q_GUESS] = 2 * s.queries[r, Q_GENERATED]
        expect_what_fits(s, r, w.tiers[s.engines[s.queries[r, Q_ENGINE], E_TIER], T_CAPACITY])


@inner
def free(w: World, s: Serve, e: int) -> int:
    """Return the bytes that nobody uses or has asked for, remembered ones included."""
    tier = s.engines[e, E_TIER]
    return int(w.tiers[tier, T_CAPACITY] - w.tiers[tier, T_USED] - w.tiers[tier, T_QUEUED])


@inner
def take(w: World, s: Serve, r: int, size: int, stream: int) -> bool:
    """Take bytes of its own for a request; evict what nobody holds for it; say whether there was room."""
    if size <= 0:
        return True
    e = s.queries[r, Q_ENGINE]
    if not has_room(w, s, e, size, stream):
        return False
    if extents.placed(s) and not extents.take(s, r, size, w.tiers[s.engines[e, E_TIER], T_CAPACITY]):
        return False
    consume(s, e, size)
    s.queries[r, Q_BYTES] += size
    rooms.change_used(w, s.engines[e, E_TIER], size)
    return True


@inner
def has_room(w: World, s: Serve, e: int, size: int, stream: int) -> bool:
    """Say whether there is room for so many bytes, after evicting shared blocks that nobody holds if need be."""
    room = free(w, s, e)
    if size <= room:
        return True
    there = rooms.evictable(w, s.engines[e, E_TIER]) + s.engines[e, E_SWAP]  # what is on its way out is no object
    if size > room + max(0, there):
        return False
    return rooms.make_way(w, s.engines[e, E_TIER], size, s.settings[C_KIND], stream)


@inner
def give_back(w: World, s: Serve, r: int, size: int) -> None:
    """Give bytes of a request's own back."""
    if size > 0:
        if extents.placed(s):
            extents.give_back(s, r)
        s.queries[r, Q_BYTES] -= size
        rooms.change_used(w, s.engines[s.queries[r, Q_ENGINE], E_TIER], -size)


@inner
def remember(w: World, s: Serve, r: int, computed: int) -> None:
    """Give back all that a request has of its own, but remember its full pages behind the room that is free now."""
    size = s.queries[r, Q_BYTES]
    e = s.queries[r, Q_ENGINE]
    ahead = free(w, s, e)
    give_back(w, s, r, size)
    page = s.settings[C_PAGE]
    own = computed - s.queries[r, Q_BLOCKS] * s.settings[C_BLOCK]
    kept = min(size, own // page * s.settings[C_PAGE_BYTES])
    if s.settings[C_REMEMBER] == 0 or kept <= 0:
        return
    at = s.engines[e, E_LINE_HEAD]
    while at != NONE:
        ahead -= s.line[at, AHEAD] + s.line[at, BYTES]
        at = s.line[at, AFTER]
    tail = s.engines[e, E_LINE_TAIL]
    s.line[r, AHEAD] = max(0, ahead) + size - kept  # the last page goes first
    s.line[r, BYTES] = kept
    s.line[r, AFTER] = NONE
    s.line[r, BEFORE] = tail
    if tail == NONE:
        s.engines[e, E_LINE_HEAD] = r
    else:
        s.line[tail, AFTER] = r
    s.engines[e, E_LINE_TAIL] = r
    s.queries[r, Q_REMEMBERED] = kept


@inner
def consume(s: Serve, e: int, size: int) -> None:
    """Let bytes be taken from the head of the line: free ones, then remembered ones."""
    left = size
    while left > 0 and s.engines[e, E_LINE_HEAD] != NONE:
        head = s.engines[e, E_LINE_HEAD]
        part = min(left, s.line[head, AHEAD])
        s.line[head, AHEAD] -= part
        left -= part
        part = min(left, s.line[head, BYTES])
        s.line[head, BYTES] -= part
        s.queries[head, Q_REMEMBERED] -= part
        left -= part
        if s.line[head, BYTES] == 0:
            forget(s, head, 0)


@inner
def forget(s: Serve, r: int, taken: int) -> None:
    """Take a request out of the line; its bytes but for ``taken``, and what is free ahead of it, stay free."""
    e = s.queries[r, Q_ENGINE]
    before, after = s.line[r, BEFORE], s.line[r, AFTER]
    if before == NONE and s.engines[e, E_LINE_HEAD] != r:
        return
    if before == NONE:
        s.engines[e, E_LINE_HEAD] = after
    else:
        s.line[before, AFTER] = after
    if after == NONE:
        s.engines[e, E_LINE_TAIL] = before
    else:
        s.line[after, BEFORE] = before
        s.line[after, AHEAD] += s.line[r, AHEAD] + s.line[r, BYTES] - taken
    s.line[r, AHEAD] = 0
    s.line[r, BYTES] = 0
    s.line[r, AFTER] = NONE
    s.line[r, BEFORE] = NONE
    s.queries[r, Q_REMEMBERED] = 0


@inner
def take_again(w: World, s: Serve, r: int, size: int) -> None:
    """Take bytes that were remembered; they were counted free until now."""
    if size > 0:
        s.queries[r, Q_BYTES] += size
        rooms.change_used(w, s.engines[s.queries[r, Q_ENGINE], E_TIER], size)
