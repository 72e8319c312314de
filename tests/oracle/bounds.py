"""Bounds by trying everything, and the schedules by plain lists; nothing here imports the package."""

from itertools import product

from scipy.optimize import linprog

NEVER = float("inf")


def later(keys):
    """For each access the number of the next one to the same key."""
    return [next((j for j in range(i + 1, len(keys)) if keys[j] == key), NEVER) for i, key in enumerate(keys)]


def intervals(keys, sizes, capacity):
    """(start, end, size) of every gap between accesses to a key that fits."""
    gaps = zip(keys, later(keys), strict=True)
    return [(i, end, sizes[key]) for i, (key, end) in enumerate(gaps) if end < NEVER and sizes[key] <= capacity]


def fits(chosen, capacity):
    times = range(max((end for _, end, _ in chosen), default=0))
    return all(sum(size for start, end, size in chosen if start <= t < end) <= capacity for t in times)


def best(keys, sizes, capacity, worth):
    """The least that a cache which need not keep what it serves can miss: every choice of intervals is tried."""
    gaps = intervals(keys, sizes, capacity)
    saved = 0
    for choice in product((False, True), repeat=len(gaps)):
        chosen = [gap for gap, kept in zip(gaps, choice, strict=True) if kept]
        worthy = sum(worth[keys[start]] for start, _, _ in chosen)
        if worthy > saved and fits(chosen, capacity):
            saved = worthy
    return sum(worth[key] for key in keys) - saved


def packed(keys, sizes, capacity, worth):
    """Which accesses' objects are kept, the cheapest intervals for their worth first, each where it fits."""
    gaps = [gap for gap in intervals(keys, sizes, capacity) if worth[keys[gap[0]]] > 0]
    gaps.sort(key=lambda gap: ((gap[1] - gap[0]) * gap[2] / worth[keys[gap[0]]], gap[0]))
    chosen = []
    for gap in gaps:
        if fits([*chosen, gap], capacity):
            chosen.append(gap)
    starts = {start for start, _, _ in chosen}
    return [i in starts for i in range(len(keys))]


def fractional(keys, sizes, capacity, worth):
    """The least misses where an interval may be kept in part: a linear programme with a row for each access."""
    gaps = intervals(keys, sizes, capacity)
    total = sum(worth[key] for key in keys)
    if not gaps:
        return total
    rows = [[size if start <= i < end else 0 for start, end, size in gaps] for i in range(len(keys))]
    saved = [-worth[keys[start]] for start, _, _ in gaps]
    return total + linprog(saved, A_ub=rows, b_ub=[capacity] * len(keys), bounds=(0, 1)).fun


def aggressive(keys, capacity, fetch, view):
    """(fetches, accesses that stalled, time stalled) of prefetching with ``view`` accesses known."""
    here, used_at, coming, ready, time = set(), {}, None, 0, 0
    fetches, late, stalled = 0, 0, 0

    def next_use(key, i):
        return next((j for j in range(i, min(len(keys), i + view)) if keys[j] == key), NEVER)

    for i, key in enumerate(keys):
        while True:
            if coming is not None and time >= ready:
                coming = None
            missing = next((j for j in range(i, min(len(keys), i + view)) if keys[j] not in here), None)
            if coming is None and missing is not None:
                farthest = max(here, key=lambda k: (next_use(k, i), -used_at.get(k, -1)), default=None)
                room = len(here) < capacity
                if room or next_use(farthest, i) > missing:
                    if not room:
                        here.remove(farthest)
                    coming, ready = keys[missing], time + fetch
                    here.add(coming)
                    fetches += 1
            if key in here and key != coming:
                break
            late += key == coming
            stalled += ready - time
            time = ready
        used_at[key] = i
        time += 1
    return fetches, late, stalled


def best_time(keys, capacity, fetch):
    """The least time in which a trace can be served, fetches one at a time and free to be ahead: all are tried.

    A state is the number of the next access, what is here, and what is coming in how many accesses' time.
    """
    states, time = {(0, frozenset(), None, 0)}, 0
    while not any(i == len(keys) for i, *_ in states):
        states = {after for state in states for after in _after(keys, capacity, fetch, *state)}
        time += 1
    return time


def _after(keys, capacity, fetch, i, here, coming, more):
    """All states one access's time later."""
    if coming is not None and more == 0:
        here, coming = here | {coming}, None
    begun = [(here, coming, more)]
    if coming is None:
        for key in set(keys) - here:
            rooms = [here] if len(here) < capacity else [here - {gone} for gone in here]
            begun += [(room, key, fetch) for room in rooms]
    return [(i + (keys[i] in now), now, key, max(0, left - 1)) for now, key, left in begun]
