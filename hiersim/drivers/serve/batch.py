"""Forming a step: who computes how many tokens (docs/serving.md). First those that run, then those that wait."""

from __future__ import annotations

from hiersim.drivers.serve import blocks, moving, phase, preempting, queue, room
from hiersim.drivers.serve.columns import (
    C_ANYWHERE,
    C_BLOCK,
    C_BLOCK_BYTES,
    C_CHUNKED,
    C_LAYERED,
    C_PAGE,
    C_PAGE_BYTES,
    C_RESERVE,
    C_SEQUENCES,
    C_SHARE,
    C_TOKENS,
    C_WHOLE,
    E_BUDGET,
    E_COUNT,
    E_FORMING,
    E_LATE,
    E_PREEMPTED,
    E_RUNNING,
    E_SLOWED,
    E_TIER,
    FETCHING,
    K_GROW,
    NONE,
    Q_AT,
    Q_BLOCKS,
    Q_BYTES,
    Q_COMPUTED,
    Q_ENGINE,
    Q_GENERATED,
    Q_GUESS,
    Q_HELD,
    Q_PENDING,
    Q_PROMPT,
    Q_REMEMBERED,
    Q_REUSED,
    Q_SKIP,
    Q_STARTED,
    Q_STATE,
    Q_STEP,
    Q_SWAPPED,
    REUSED,
    RUNNING,
    W_DECODE,
    W_FETCH,
    W_PREFILL,
)
from hiersim.drivers.serve.state import Serve
from hiersim.engine.columns import ACCESSES_FREE, JOBS_FREE, NOW, T_LEAVING
from hiersim.engine.world import World
from hiersim.jit import hot, inner

DECODES, CONTEXT, LONGEST, CHUNKS, SAMPLED = 0, 1, 2, 3, 4  # of the figures of a step (hiersim.drivers.serving.columns)
STOP, GO_ON, ADMITTED = 0, 1, 2


@hot
def known(s: Serve, r: int) -> int:
    """Return a request's tokens so far: those whose KV is there or can be computed."""
    return int(s.queries[r, Q_PROMPT] + s.queries[r, Q_GENERATED])


@hot
def left(s: Serve, r: int) -> int:
    """Return how many of them are to be computed."""
    return int(known(s, r) - s.queries[r, Q_AT] - s.queries[r, Q_SKIP] * s.settings[C_BLOCK])


@inner
def begin(s: Serve, e: int) -> None:
    """Begin to form a step."""
    s.engines[e, E_FORMING] = 1
    s.engines[e, E_BUDGET] = s.settings[C_TOKENS]
    s.engines[e, E_PREEMPTED] = 0
    s.engines[e, E_COUNT] = 0
    s.engines[e, E_LATE] = 0
    for i in range(5):
        s.figures[i] = 0


@inner
def schedule_running(w: World, s: Serve, e: int) -> None:
    """Give tokens to the requests that run, in the order of their admission; preempt from the end for want of room."""
    index = 0
    while index < s.engines[e, E_RUNNING] and s.engines[e, E_BUDGET] > 0:
        r = s.running[e, index]
        count = min(left(s, r), s.engines[e, E_BUDGET])
        if count > 0 and not extend(w, s, r, count):
            if w.tiers[s.engines[e, E_TIER], T_LEAVING] > 0:  # room is on its way: it sits this step out
                s.engines[e, E_SLOWED] += 1
                index += 1
                continue
            victim = s.running[e, s.engines[e, E_RUNNING] - 1]
            s.engines[e, E_RUNNING] -= 1
            preempting.preempt(w, s, victim)
            s.engines[e, E_PREEMPTED] = 1
            if victim == r:
                return
            continue
        if count > 0:
            enter(w, s, e, r, count)
        index += 1


@inner
def extend(w: World, s: Serve, r: int, count: int) -> bool:
    """Take the room that a request needs for so many more tokens; say whether there was enough."""
    until = s.queries[r, Q_AT] + s.queries[r, Q_SKIP] * s.settings[C_BLOCK] + count
    if room.reserves(s):
        until = max(until, s.queries[r, Q_PROMPT] + s.queries[r, Q_GUESS])
    return room.take(w, s, r, blocks.missing(s, r, until), s.queries[r, Q_ENGINE])


@inner
def enter(w: World, s: Serve, e: int, r: int, count: int) -> None:
    """Put ``count`` tokens of a request into the step that is formed."""
    s.batch[e, s.engines[e, E_COUNT]] = r
    s.engines[e, E_COUNT] += 1
    s.engines[e, E_BUDGET] -= count
    s.engines[e, E_LATE] += s.queries[r, Q_PENDING]
    s.queries[r, Q_STEP] = count
    s.queries[r, Q_COMPUTED] += count
    s.figures[SAMPLED] += 1  # logits are computed of everybody, also of who has not caught up
    if count == 1 and s.queries[r, Q_SKIP] == 0:
        s.figures[DECODES] += 1
        s.figures[CONTEXT] += s.queries[r, Q_AT]
        s.figures[LONGEST] = max(s.figures[LONGEST], s.queries[r, Q_AT])
        s.queries[r, Q_AT] += 1
    else:
        walk(s, r, count)
    blocks.publish(w, s, r, s.queries[r, Q_AT])


@inner
def walk(s: Serve, r: int, count: int) -> None:
    """Enter the chunks of a prompt: runs of tokens between blocks that are reused."""
    size, first = s.settings[C_BLOCK], s.first_block[r]
    shared = s.queries[r, Q_BLOCKS] * size
    at, todo = s.queries[r, Q_AT], count
    while todo > 0 or (s.queries[r, Q_SKIP] > 0 and at < shared and s.fate[first + at // size] == REUSED):
        if at < shared and at % size == 0 and s.fate[first + at // size] == REUSED:
            again = s.settings[C_SHARE] * size // 1000
            if s.settings[C_ANYWHERE] == 1 and again > 0:
                add_chunk(s, again, at)
            s.queries[r, Q_SKIP] -= 1
            at += size
            continue
        run = todo
        if at < shared and s.queries[r, Q_SKIP] > 0:
            end = (at // size + 1) * size
            while end < shared and end - at < todo and s.fate[first + end // size] != REUSED:
                end += size
            if s.fate[first + min(end, shared - 1) // size] == REUSED or end - at < todo:
                run = min(todo, end - at)
        add_chunk(s, run, at)
        at += run
        todo -= run
    s.queries[r, Q_AT] = at


@inner
def add_chunk(s: Serve, new: int, before: int) -> None:
    """Enter a chunk of a prompt; one of a single token counts as a decoding request."""
    if new == 1:
        s.figures[DECODES] += 1
        s.figures[CONTEXT] += before
        s.figures[LONGEST] = max(s.figures[LONGEST], before)
        return
    i = s.figures[CHUNKS]
    s.figures[CHUNKS] = i + 1
    s.new[i] = new
    s.before[i] = before


@inner
def schedule_waiting(w: World, s: Serve, e: int, margin: int) -> None:
    """Admit waiting requests in the order of the queue while the step has tokens and the near tier has room."""
    while s.engines[e, E_BUDGET] > 0 and s.engines[e, E_RUNNING] < s.settings[C_SEQUENCES]:
        if s.engines[e, E_PREEMPTED] == 1:
            return
        if w.clock[JOBS_FREE] < margin or w.clock[ACCESSES_FREE] < margin:
            s.clock[K_GROW] = 1
            return
        r = queue.take(s, e)
        if r == NONE:
            return
        answer = admit(w, s, e, r)
        if answer == STOP:
            freed = s.engines[e, E_RUNNING] == 0 and preempting.unburden(w, s, e)
            queue.put(s, e, r)
            if not freed:
                return


@inner
def admit(w: World, s: Serve, e: int, r: int) -> int:
    """Take a request in, let it fetch its blocks first, or leave it where it is for want of room or tokens."""
    if s.queries[r, Q_ENGINE] != e:
        return GO_ON if moving.come_across(w, s, e, r) else STOP
    if s.queries[r, Q_SWAPPED] > 0:
        return GO_ON if moving.come_back(w, s, e, r) else STOP
    fresh = s.queries[r, Q_AT] == 0 and s.queries[r, Q_HELD] == 0 and s.queries[r, Q_BYTES] == 0
    if fresh:
        far = blocks.find(w, s, r)
        if not settle_in(w, s, e, r, far):
            blocks.drop(w, s, r)
            return STOP
        blocks.hold(w, s, r)
        if s.queries[r, Q_AT] > 0:  # what it remembers follows its blocks
            s.queries[r, Q_SKIP] = 0
        if s.queries[r, Q_PENDING] > 0 and s.settings[C_LAYERED] == 0:
            s.queries[r, Q_STATE] = FETCHING
            phase.turn(s, r, W_FETCH, w.clock[NOW])
            return GO_ON
    count = min(left(s, r), s.engines[e, E_BUDGET])
    if s.settings[C_CHUNKED] == 0 and left(s, r) > s.engines[e, E_BUDGET]:
        return STOP
    if not extend(w, s, r, count):
        count = min(count, s.queries[r, Q_STEP])  # the room for these was taken before its blocks were fetched
        if not extend(w, s, r, count):
            return STOP
    s.queries[r, Q_STATE] = RUNNING
    if s.queries[r, Q_STARTED] == NONE:
        s.queries[r, Q_STARTED] = w.clock[NOW]
    phase.turn(s, r, W_DECODE if s.queries[r, Q_GENERATED] > 0 else W_PREFILL, w.clock[NOW])
    s.running[e, s.engines[e, E_RUNNING]] = r
    s.engines[e, E_RUNNING] += 1
    enter(w, s, e, r, count)
    return ADMITTED


@hot
def reserve(s: Serve, e: int) -> int:
    """Return the bytes that must stay free when a request is admitted."""
    return int(s.settings[C_RESERVE] if s.engines[e, E_RUNNING] > 0 else 0)


@inner
def settle_in(w: World, s: Serve, e: int, r: int, far: int) -> bool:
    """Say whether a request has room; take that of its first chunk, and of what it remembers."""
    size, page = s.settings[C_BLOCK], s.settings[C_PAGE]
    found, total = blocks.reused(s, r), known(s, r)
    kept = 0
    if s.queries[r, Q_REMEMBERED] > 0 and found == s.queries[r, Q_BLOCKS]:
        kept = min(s.queries[r, Q_REMEMBERED] // s.settings[C_PAGE_BYTES], (total - 1) // page - found * size // page)
        kept = max(0, kept)
    done = found * size + kept * page
    count = min(total - done, s.engines[e, E_BUDGET])
    s.queries[r, Q_STEP] = count
    if s.settings[C_CHUNKED] == 0 and total - done > s.engines[e, E_BUDGET]:
        return False
    whole = total if s.settings[C_WHOLE] == 1 else done + count
    shared = found * s.settings[C_BLOCK_BYTES]
    if room.reserves(s):
        whole = max(whole, s.queries[r, Q_PROMPT] + s.queries[r, Q_GUESS])
    own = max(0, room.bytes_of(s, r, whole) - shared)
    if not room.has_room(w, s, e, own + far * s.settings[C_BLOCK_BYTES] + reserve(s, e), e):
        return False
    room.forget(s, r, kept * s.settings[C_PAGE_BYTES])
    room.take_again(w, s, r, kept * s.settings[C_PAGE_BYTES])
    s.queries[r, Q_REUSED] += kept * page
    s.served[r, s.served.shape[1] - 1] += kept * page
    if kept > 0:
        s.queries[r, Q_AT] = done
        room.consume(s, e, far * s.settings[C_BLOCK_BYTES])
        return room.take(w, s, r, max(0, room.bytes_of(s, r, done + count) - shared) - s.queries[r, Q_BYTES], e)
    room.consume(s, e, far * s.settings[C_BLOCK_BYTES])
    return room.take(w, s, r, max(0, room.bytes_of(s, r, whole if room.reserves(s) else done + count) - shared), e)
