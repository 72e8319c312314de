"""Perfect bits from their definitions, and the papers' counts of errors; everything counts as one page."""

from oracle.policies import next_uses


def optimum(keys, capacity):
    """Return for each access whether it hits under Belady's rule."""
    later, inside, hits = next_uses(keys), {}, []
    for i, key in enumerate(keys):
        hits.append(key in inside)
        if key not in inside and len(inside) == capacity:
            del inside[max(inside, key=lambda each: inside[each])]
        inside[key] = float("inf") if later[i] is None else later[i]
    return hits


def discard_bits(keys, capacity):
    """True where the optimum evicts the page before it is used again, or it never is."""
    hits = optimum(keys, capacity)
    return [later is None or not hits[later] for later in next_uses(keys)]


def phases(keys, capacity):
    """Return the phases as lists of accesses: as long as possible with no more than ``capacity`` pages each."""
    found, pages = [[]], set()
    for i, key in enumerate(keys):
        if len(pages | {key}) > capacity:
            found.append([])
            pages = set()
        found[-1].append(i)
        pages.add(key)
    return found


def phase_bits(keys, capacity):
    """True where the page is not used in the next phase."""
    cut = phases(keys, capacity)
    bits = {}
    for here, there in zip(cut, [*cut[1:], []], strict=True):
        coming = {keys[i] for i in there}
        bits |= {i: keys[i] not in coming for i in here}
    return [bits[i] for i in range(len(keys))]
