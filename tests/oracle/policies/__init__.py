"""Naive twins of the replacement policies: lists and dictionaries, written from the papers, slow and plain.

Each module has ``Twin(capacity, ...)`` with ``miss(key)``, ``insert(key, size, next_use)``, ``hit(key, next_use)``,
``remove(key)`` and ``victim(key, size)`` for the incoming key; where it may refuse, ``admit(key, size)``; some have
``surplus()``, who leaves though there is room. ``replay`` runs a whole trace. Nothing here imports the package.
"""


def welcome(key, size):
    """A policy that does not say lets everything in."""
    return True


def replay(twin, keys, sizes, capacity, next_uses, largest=None):
    """Return (victims in order, number of misses, keys inside at the end)."""
    inside, used, victims, misses = set(), 0, [], 0

    def evict(gone):
        nonlocal used
        twin.remove(gone)
        inside.remove(gone)
        used -= sizes[gone]
        victims.append(gone)

    for now, (key, later) in enumerate(zip(keys, next_uses, strict=True)):
        size, twin.now, twin.incoming = sizes[key], now, sizes[key]
        if key in inside:
            twin.hit(key, later)
        else:
            misses += 1
            twin.miss(key)
            if size <= (capacity if largest is None else largest) and getattr(twin, "admit", welcome)(key, size):
                while used + size > capacity:
                    evict(twin.victim(key, size))
                twin.insert(key, size, later)
                inside.add(key)
                used += size
        while hasattr(twin, "surplus") and (gone := twin.surplus()) is not None:
            evict(gone)
    return victims, misses, inside


def next_uses(keys):
    """For each access the number of the next access to the same key, or None."""
    answer = []
    for i, key in enumerate(keys):
        later = [j for j in range(i + 1, len(keys)) if keys[j] == key][:1]
        answer.append(later[0] if later else None)
    return answer
