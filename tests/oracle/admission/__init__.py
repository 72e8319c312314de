"""Naive twins of the admission policies: dictionaries and plain sums, written from the papers. Nothing here imports the
package.

Each module has ``Twin(capacity, objects, **options)`` with ``access(key, size, now)``, ``admit(key, size, now)`` and
``prefer(key, victim, size, now)``; it is told the key's next use as ``later``. ``replay`` runs a whole trace through a
replacement twin behind one of them.
"""


def replay(policy, gate, keys, sizes, capacity, next_uses):
    """Return (victims in order, number of misses, number turned away, keys inside at the end)."""
    inside, used, victims, misses, denied = set(), 0, [], 0, 0
    for now, (key, later) in enumerate(zip(keys, next_uses, strict=True)):
        size = sizes[key]
        gate.later = later
        gate.access(key, size, now)
        if key in inside:
            policy.hit(key, later)
            continue
        misses += 1
        policy.miss(key)
        if size > capacity:
            continue
        welcome = gate.admit(key, size, now)
        first = True
        while welcome and used + size > capacity:
            gone = policy.victim(key, size)
            if first and not gate.prefer(key, gone, size, now):
                welcome = False
                break
            first = False
            policy.remove(gone)
            inside.remove(gone)
            used -= sizes[gone]
            victims.append(gone)
        if not welcome:
            denied += 1
            continue
        policy.insert(key, size, later)
        inside.add(key)
        used += size
    return victims, misses, denied, inside


class Open:
    """Lets everything in; what the twins have in common."""

    compares = False  # whether it has a `prefer` of its own

    def __init__(self, capacity=0, objects=0, seed=0):
        pass

    def access(self, key, size, now):
        pass

    def admit(self, key, size, now):
        return True

    def prefer(self, key, victim, size, now):
        return True
