"""Naive twins of the curves: a Python list as the LRU stack, a list of every window, written from the definitions.

Nothing here imports the package.
"""


def stack_distances(keys, sizes=None):
    """For each access the bytes (or objects, without sizes) from the top of the stack down to the key; 0 if new."""
    stack, distances = [], []
    for key in keys:
        if key in stack:
            depth = stack.index(key)
            distances.append(sum(1 if sizes is None else sizes[each] for each in stack[: depth + 1]))
            del stack[depth]
        else:
            distances.append(0)
        stack.insert(0, key)
    return distances


def misses(keys, sizes, capacity):
    """(misses, bytes missed) of the accesses whose distance is beyond the capacity."""
    distances = stack_distances(keys, sizes)
    missed = [key for key, distance in zip(keys, distances, strict=True) if distance == 0 or distance > capacity]
    return len(missed), sum(1 if sizes is None else sizes[key] for key in missed)


def fixed_size_sample(keys, sizes, hashes, most, capacities):
    """SHARDS with a fixed size: (rate, misses by capacity, their bytes), as sums over followed accesses.

    ``hashes`` are numbers below 1, one for each key.
    """
    stack, rate = [], 1.0
    missed, missed_bytes = [0.0] * len(capacities), [0.0] * len(capacities)
    for key in keys:
        if hashes[key] >= rate:
            continue
        others = None
        if key in stack:
            others = sum(sizes[each] for each in stack[: stack.index(key)])
            stack.remove(key)
        stack.insert(0, key)
        if len(stack) > most:
            largest = max(stack, key=lambda each: hashes[each])
            rate = hashes[largest]
            stack.remove(largest)
        if key not in stack:
            continue
        for i, capacity in enumerate(capacities):
            if others is None or sizes[key] + others / rate > capacity:
                missed[i] += 1 / rate
                missed_bytes[i] += sizes[key] / rate
    return rate, missed, missed_bytes


def mean_working_set(keys, sizes, length):
    """(objects, bytes) that the last ``length`` accesses touch, mean over the trace."""
    windows = [set(keys[max(0, end - length) : end]) for end in range(1, len(keys) + 1)]
    objects = sum(len(window) for window in windows) / len(keys)
    return objects, sum(sum(sizes[key] for key in window) for window in windows) / len(keys)
