"""The least bytes moved and the smallest arena of small graphs, by trying everything.

A graph is given plainly: operators as (reads, writes), sizes, and sets of inputs and outputs.
"""

from __future__ import annotations

from itertools import combinations, permutations


def orders(operators, inputs):
    """Every order in which each operator comes after those that write what it reads."""
    for order in permutations(range(len(operators))):
        there = set(inputs)
        for o in order:
            reads, writes = operators[o]
            if not set(reads) <= there:
                break
            there |= set(writes)
        else:
            yield order


def least_moved(order, operators, sizes, inputs, outputs, capacity):
    """The least bytes loaded and stored: a search over what is near, and what the far memory has, after each step.

    Before a step any tensors that it does not use may leave near memory; what leaves may be stored first.
    """
    found = {(frozenset(), frozenset(inputs)): 0}
    for at, o in enumerate(order):
        used = frozenset((*operators[o][0], *operators[o][1]))
        later = frozenset(t for p in order[at + 1 :] for t in (*operators[p][0], *operators[p][1]))
        after = {}
        for (near, far), cost in found.items():
            loads = [t for t in operators[o][0] if t not in near]
            if not all(t in far for t in loads):
                continue
            here = cost + sum(sizes[t] for t in loads)
            others = [t for t in near - used if t in later]
            for count in range(len(others) + 1):
                for kept in combinations(others, count):
                    now = used | set(kept)
                    if sum(sizes[t] for t in now) > capacity:
                        continue
                    for stored in _subsets([t for t in now if t not in far and (t in later or t in outputs)]):
                        total = here + sum(sizes[t] for t in stored)
                        state = frozenset(t for t in now if t in later), far | set(stored)
                        if total < after.get(state, total + 1):
                            after[state] = total
        found = after
    return min(cost for (_, far), cost in found.items() if set(outputs) <= far)


def _subsets(items):
    for count in range(len(items) + 1):
        yield from combinations(items, count)


def smallest_arena(blocks):
    """The smallest arena for blocks of (bytes, first step, last step).

    In some order of placing each at the lowest address that is free for it, the best arena comes out: that of the
    addresses in a best arena.
    """
    best = sum(size for size, _, _ in blocks)
    for order in permutations(range(len(blocks))):
        placed, top = [], 0
        for i in order:
            size, first, last = blocks[i]
            taken = sorted(
                (at, at + blocks[j][0]) for at, j in placed if first <= blocks[j][2] and blocks[j][1] <= last
            )
            at = 0
            for low, high in taken:
                if low - at >= size:
                    break
                at = max(at, high)
            placed.append((at, i))
            top = max(top, at + size)
            if top >= best:
                break
        best = min(best, top)
    return best


def fits(blocks, capacity):
    """Whether blocks of (bytes, first step, last step) have addresses below a capacity, all addresses tried."""
    placed = []

    def go(i):
        if i == len(blocks):
            return True
        size, first, last = blocks[i]
        for at in range(capacity - size + 1):
            if all(at + size <= low or low + blocks[j][0] <= at or first > blocks[j][2] or blocks[j][1] > last
                   for low, j in placed):  # fmt: skip
                placed.append((at, i))
                if go(i + 1):
                    return True
                placed.pop()
        return False

    return go(0)
