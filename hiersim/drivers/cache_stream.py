"""Many caches side by side over one trace that comes in pieces: each piece goes through all of them, in threads."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from hiersim.drivers.cache_loop import needs_future
from hiersim.drivers.cache_study import Study

Piece = tuple[np.ndarray, np.ndarray | None]  # keys and, if wanted, the number of each one's next access


def feed_all(
    studies: Sequence[Study],
    pieces: Iterable[Piece],
    workers: int,
    progress: Callable[[int], None] | None = None,
) -> None:
    """Feed each piece to all studies; the next piece is read in the meantime.

    Args:
        studies: which pieces follow on is theirs to know; a failure of one ends the pass.
        pieces: keys, and next accesses if a study needs the future.
        workers: threads; they change nothing but the time.
        progress: called with the accesses of each piece times the number of studies.
    """

    def feed(study: Study, keys: np.ndarray, later: np.ndarray | None) -> None:
        study.feed(keys, later if needs_future(study.policy, study.admission) else None)

    coming = iter(pieces)
    with ThreadPoolExecutor(max(1, workers)) as pool:
        piece = next(coming, None)
        while piece is not None:
            jobs = [pool.submit(feed, study, *piece) for study in studies]
            following = next(coming, None)
            for job in jobs:
                job.result()
            if progress:
                progress(len(studies) * len(piece[0]))
            piece = following


def batches(needs: Sequence[int], memory: int) -> Iterator[list[int]]:
    """Yield the numbers of the studies that fit into memory together, in order; at least one at a time.

    Args:
        needs: the bytes that each study needs.
        memory: bytes that a batch may need.
    """
    batch: list[int] = []
    used = 0
    for i, need in enumerate(needs):
        if batch and used + need > memory:
            yield batch
            batch, used = [], 0
        batch.append(i)
        used += need
    if batch:
        yield batch
