"""The compiled loop of an untimed replay, made for each policy with its functions inside, and what it needs to know."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from hiersim import jit, policies
from hiersim.policies import memory
from hiersim.policies.admission import HOOKS as ADMISSION_HOOKS
from hiersim.policies.contract import NEVER, Request
from hiersim.policies.loader import Policy

REQUESTS, MISSES, EVICTIONS, USED, BYTES, MISSED_BYTES, RESIDENT, BROKEN, DENIED, AT, NAMED = range(11)  # of `counts`
COUNTS = 11
BY_VICTIM, BY_SURPLUS = 1, 2  # as BROKEN: who named a key that is not here
AHEAD = 12  # accesses between asking for memory and using it
NEAR = 5  # the same for memory whose place is only known when the first has come
NOT_NEGATIVE = 2**31 - 1  # a mask that spares the compiled code the look whether an index counts from the end


def next_uses(keys: np.ndarray, objects: int) -> np.ndarray:
    """Return int32[accesses]: the number of the next access to the same key, -1 if there is none."""
    keys = np.ascontiguousarray(keys, np.int32)
    answer = np.empty(len(keys), np.int32)
    _look_back(keys, np.full(objects, -1, np.int32), answer)
    return answer


@jit.kernel
def _look_back(keys: np.ndarray, seen: np.ndarray, answer: np.ndarray) -> None:
    """Fill ``answer`` from the end; ``seen`` is the access at which each key was met last."""
    for i in range(keys.shape[0] - 1, -1, -1):
        key = keys[i]
        answer[i] = seen[key]
        seen[key] = i


def loop(policy: Policy, *, uniform: bool, hits: bool = False, admission: Policy | None = None) -> Callable[..., None]:
    """Return the compiled loop for a policy, with ``hits`` one that notes each; compiled when it is first called."""
    functions = tuple(policy.hooks.get(name) for name in policies.HOOKS if name != "surplus" or policy.sheds)
    gate = tuple(admission.hooks.get(name) for name in ADMISSION_HOOKS) if admission else None
    future, builtin = needs_future(policy, admission), policy.builtin and (admission is None or admission.builtin)
    name = f"loop[{policy.identity}{',uniform' * uniform}{',future' * future}{',hits' * hits}{',sheds' * policy.sheds}"
    name += f",{admission.identity}]" if admission else "]"
    return _loop(functions, gate, name, uniform, future, hits, builtin)


def needs_future(policy: Policy, admission: Policy | None) -> bool:
    """Tell whether one of the two must be told each access's next use."""
    return policy.needs_future or (admission is not None and admission.needs_future)


@jit.hot
def _ignore(state: Any, key: int, other: Any) -> None:
    """Stand in for a missing ``on_miss``, ``fetch_ahead`` or ``on_access``."""


@jit.hot
def _skip(state: Any, key: int) -> None:
    """Stand in for a missing ``fetch_near``."""


@jit.hot
def _take(state: Any, key: int, req: Request) -> bool:
    """Stand in for a policy's missing ``admit``."""
    return True


@jit.hot
def _nobody(state: Any) -> int:
    """Stand in for a missing ``surplus``."""
    return -1


@jit.hot
def _agree(state: Any, key: int, victim: int, req: Request) -> bool:
    """Stand in for a missing ``prefer``."""
    return True


@functools.cache
def _loop(
    functions: tuple[Any, ...],
    gate: tuple[Any, ...] | None,
    name: str,
    uniform: bool,
    future: bool,
    noted: bool,
    builtin: bool,
) -> Callable[..., None]:
    on_miss, on_insert, on_hit, on_remove, victim, fetch_ahead, fetch_near, take, *more = functions
    on_miss, fetch_ahead, fetch_near = on_miss or _ignore, fetch_ahead or _ignore, fetch_near or _skip
    doubt = not builtin  # a user's `victim` may name a key that is not here
    sheds, surplus = len(more), more[0] if more else _nobody  # asked after each access: at the next one, or at the end
    guarded, picky = gate is not None, take is not None
    simple, take = uniform and not guarded and not picky, take or _take  # simple: whatever misses comes in
    on_access, admit, prefer = gate or (None, None, None)
    asked = prefer is not None
    on_access, admit, prefer = on_access or _ignore, admit or _ignore, prefer or _agree

    def replay(keys, next_use, sizes, state, door, here, counts, limits, victims, hits):  # type: ignore[no-untyped-def]
        room, largest = limits[0] - counts[USED], limits[1]
        misses, evictions, resident = counts[MISSES], counts[EVICTIONS], counts[RESIDENT]
        requested, missed, start, recorded = counts[BYTES], counts[MISSED_BYTES], counts[REQUESTS], 0
        for i in range(keys.shape[0] + sheds):
            while sheds:
                gone = int(surplus(state))
                if gone < 0:
                    break
                if doubt and (gone >= here.shape[0] or not here[gone]):
                    counts[BROKEN], counts[NAMED], counts[REQUESTS] = BY_SURPLUS, gone, start + i - 1
                    return
                on_remove(state, gone)
                here[gone] = 0
                room += 1 if uniform else int(sizes[gone])
                resident -= 1
                evictions += 0 if simple else 1
                if recorded < victims.shape[0]:
                    victims[recorded] = gone
                    recorded += 1
            if sheds and i == keys.shape[0]:
                break
            key, coming = int(keys[i]) & NOT_NEGATIVE, min(i + AHEAD, keys.shape[0] - 1)
            memory.prefetch(here, keys[coming])
            fetch_ahead(state, keys[coming], next_use[coming] if future else 0)
            fetch_near(state, int(keys[min(i + NEAR, keys.shape[0] - 1)]) & NOT_NEGATIVE)
            size = 1 if uniform else int(sizes[key])
            later = int(next_use[i]) if future else -1
            req = Request(key, size, start + i, later if later >= 0 else NEVER)
            requested += size
            if doubt:
                counts[AT] = start + i
            if guarded:
                on_access(door, key, req)
            if noted:
                hits[i] = here[key] != 0
            if here[key]:
                on_hit(state, key, req)
                continue
            misses += 1
            if not uniform:
                missed += size
            on_miss(state, key, req)
            if size > largest:
                continue
            if (picky and not take(state, key, req)) or (guarded and not admit(door, key, req)):
                counts[DENIED] += 1
                continue
            compared = not asked
            while room < size:
                gone = int(victim(state, req))
                if doubt and (gone < 0 or gone >= here.shape[0] or not here[gone]):
                    counts[BROKEN], counts[NAMED], counts[REQUESTS] = BY_VICTIM, gone, start + i
                    return
                if not compared and not prefer(door, key, gone, req):
                    break
                compared = True
                on_remove(state, gone)
                here[gone] = 0
                room += 1 if uniform else int(sizes[gone])
                if not uniform:
                    resident -= 1
                if not simple:
                    evictions += 1
                if recorded < victims.shape[0]:
                    victims[recorded] = gone
                    recorded += 1
            if asked and room < size:
                counts[DENIED] += 1
                continue
            on_insert(state, key, req)
            here[key] = 1
            room -= size
            if not uniform:
                resident += 1
        used = limits[0] - room
        if uniform:  # what follows from other numbers is not kept: each one more costs a tenth of the speed
            missed, resident = missed + misses - counts[MISSES], used
        if simple and largest > 0:
            evictions += misses - counts[MISSES] - (used - counts[USED])
        counts[REQUESTS], counts[MISSES], counts[EVICTIONS] = start + keys.shape[0], misses, evictions
        counts[USED], counts[BYTES], counts[MISSED_BYTES], counts[RESIDENT] = used, requested, missed, resident

    return jit.specialised(replay, name, keep=builtin)
