"""What crosses to and from on-chip memory in attention: by walking a trace, and by the papers' closed forms.

Both are plain arithmetic that knows nothing of the package: the walk takes operations as (action, reads, writes).
"""

from __future__ import annotations

from collections import Counter
from math import ceil


def walk(steps, sizes, home, near=()):
    """Return bytes loaded and stored, by object, and the most bytes near at once.

    Args:
        steps: (action, objects read, objects written, objects that end) in order.
        sizes: bytes by object.
        home: objects that the far memory has from the start.
        near: objects that are near from the start, and stay.
    """
    near, far, dirty = set(near), set(home), set()
    loaded, stored, most = Counter(), Counter(), 0
    for action, reads, writes, ends in steps:
        if action == "compute":
            for key in reads:
                if key not in near:
                    assert key in far, f"{key} is nowhere"
                    loaded[key] += sizes[key]
            near |= {*reads, *writes}
            dirty |= set(writes)
            far -= set(writes) - set(home)
            most = max(most, sum(sizes[key] for key in near))
        elif action == "offload":
            for key in set(reads) & near & dirty:
                stored[key] += sizes[key]
            far |= set(reads) & near
            near -= set(reads)
            dirty -= set(reads)
        else:
            assert action == "drop", action
            assert not set(reads) & dirty, "a value is lost"
            near -= set(reads)
        near, dirty = near - set(ends), dirty - set(ends)
    return loaded, stored, most


def flash_1(n, k, d, e, rows, columns, backward=False):
    """Loads and stores of FlashAttention in bytes: Algorithm 1, and Algorithm 4."""
    tr, tc = ceil(n / rows), ceil(k / columns)
    assert tr > 1
    nd, kd, statistics = n * d * e, k * d * e, 8 * n
    loads = 2 * kd + tc * (2 * nd + statistics)
    stores = (1 + tc) * nd + tc * statistics
    if backward:
        loads += 2 * kd + tc * (4 * nd + statistics)
        stores += statistics + (1 + tc) * nd + 2 * kd
    return loads, stores


def flash_2(n, k, d, e, rows, columns, backward=False):
    """Loads and stores of FlashAttention-2 in bytes."""
    tr, tc = ceil(n / rows), ceil(k / columns)
    assert min(tr, tc) > 1
    nd, kd, number = n * d * e, k * d * e, 4 * n
    loads, stores = nd + 2 * kd * tr, nd
    if backward:
        loads += 2 * nd + 2 * kd + tc * (3 * nd + 2 * number)
        stores += 2 * number + (1 + tc) * nd + 2 * kd
    return loads, stores


def standard(n, k, d, e, tile, fits, backward=False, mask=False, dropout=False):
    """Loads and stores of kernel after kernel, products in tiles."""
    rows, columns, inner = tile
    ni, nj, nk = ceil(n / rows), ceil(k / columns), ceil(d / inner)
    assert ni > 1
    nd, kd, scores = n * d * e, k * d * e, n * k * e
    by_row = 1 if fits else 2  # passes that read a matrix of scores
    again = nj if nk > 1 else 1  # loads of the left operand of an outer product
    kept = ni if nj > 1 or nk > 1 else 1  # loads of keys or values where queries are outside
    outside = nj if nj > 1 or nk > 1 else 1  # never 1 unless all keys are one tile
    loads = nd * again + kd * kept  # S
    stores = scores
    loads += scores * by_row  # softmax
    stores += scores
    loads += scores * nk + kd * kept  # O
    stores += nd
    if mask:
        loads, stores = loads + scores, stores + scores
    if dropout:
        loads, stores = loads + scores, stores + scores + n * k
    if backward:
        loads += scores * nk + nd * outside  # dV
        stores += kd
        loads += nd * again + kd * kept  # dP
        stores += scores
        if dropout:
            loads, stores = loads + scores + n * k, stores + scores
        loads += 2 * scores * by_row  # dS
        stores += scores
        loads += scores * nk + kd * kept + scores * nk + nd * outside  # dQ, dK
        stores += nd + kd
    return loads, stores


def passes(n, k, d, e, rows, columns, count, holds, spill):
    """Loads and stores of a cascade of passes."""
    tr, nj = ceil(n / rows), ceil(k / columns)
    assert nj > 1
    nd, kd, scores = n * d * e, k * d * e, n * k * e
    spilled = count > 1 and spill and not holds
    keys = count if count > 1 and not holds and not spill else 1
    loads, stores = nd + tr * kd * (keys + 1), nd
    if spilled:
        loads, stores = loads + (count - 1) * scores, stores + (count - 1) * scores
    return loads, stores


def relay(requests, shared, own, query, token, partial, together):
    """Loads and stores of a decoding step, with bytes of a query or output, of a token, and of a partial result."""
    if not together:
        return requests * ((shared + own) * token + query), requests * query
    loads = (shared + requests * own) * token + requests * partial
    return loads + (2 * requests - 1) * query, requests * (query + partial)  # the first query is still there
