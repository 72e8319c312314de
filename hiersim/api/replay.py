"""A trace through one cache, without time: every policy at every capacity, side by side."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import TYPE_CHECKING, Any

import numpy as np

from hiersim.api.capacity import Measure, measure_of
from hiersim.api.choices import Trace, check_numbers, chosen, costs_of, open_accesses
from hiersim.api.replay_stream import (
    MEMORY,
    bytes_of,
    check_streamed,
    replay_spool,
    spooled,
    wants_stream,
)
from hiersim.drivers.cache_loop import needs_future
from hiersim.drivers.cache_record import check_outputs
from hiersim.drivers.cache_study import CacheResult, Study
from hiersim.drivers.predictions import Errors, Predictor
from hiersim.drivers.prefix import Prefixes, check_order
from hiersim.policies import admission as admissions
from hiersim.policies.loader import Policy
from hiersim.traces.access import AccessTrace
from hiersim.traces.spool import Spool

if TYPE_CHECKING:
    import polars as pl

PIECE = 1 << 21  # accesses replayed between two looks at whether to go on, and at the progress


class Replays(list[CacheResult]):
    """The results of a replay, in the order of policies and, within each, of capacities.

    Attributes:
        unit: what capacities count, ``bytes`` or ``objects``.
        trace: the name of the trace.
        footprint: all objects of the trace together, in ``unit``; 0 where not known.
    """

    def __init__(
        self, results: Iterable[CacheResult] = (), unit: str = "bytes", trace: str = "", footprint: int = 0
    ) -> None:
        super().__init__(results)
        self.unit, self.trace, self.footprint = unit, trace, footprint

    def beyond(self) -> list[int]:
        """Return the capacities that are more than all objects of the trace together, in order."""
        return sorted({each.capacity for each in self if 0 < self.footprint < each.capacity})

    def rows(self) -> list[dict[str, Any]]:
        """Return plain numbers, one mapping per result; capacities count ``unit``, ``seconds`` is wall time."""
        return [row(result) for result in self]

    def table(self) -> pl.DataFrame:
        """Return a table with one row per result, its columns those of ``rows``."""
        import polars as pl

        return pl.DataFrame(self.rows())

    def _repr_html_(self) -> str:
        html: str = self.table()._repr_html_()
        return html


def row(result: CacheResult) -> dict[str, Any]:
    """Return a result as the command line prints it; ``capacity`` in bytes or objects, ``seconds`` of wall time.

    With an admission also its name and how many misses it turned away; with costs, what the misses cost, and as a share
    of what all accesses would; of prefix blocks ``usable`` hits and ``orphans``, the first as a share of the accesses
    too, the second of the hits.
    """
    extra: dict[str, Any] = {}
    if result.admission != admissions.NONE:
        extra |= {"admission": result.admission, "denied": result.denied}
    if result.missed_cost is not None:
        extra |= {"missed_cost": result.missed_cost, "cost_miss_ratio": result.cost_miss_ratio}
    if result.usable is not None:
        extra |= {"usable": result.usable, "orphans": result.orphans}
        extra["usable_ratio"] = result.usable / result.requests if result.requests else 0.0
        extra["orphan_share"] = (result.hits - result.usable) / result.hits if result.hits else 0.0
    return {
        "policy": result.policy,
        "capacity": result.capacity,
        "requests": result.requests,
        "misses": result.misses,
        "miss_ratio": result.miss_ratio,
        "byte_miss_ratio": result.byte_miss_ratio,
        "seconds": result.seconds,
        "accesses_per_second": result.requests / result.seconds if result.seconds else 0.0,
        **extra,
    }


def replay(
    trace: Trace,
    policy: str | Sequence[str] = "lru",
    capacity: int | str | Sequence[int | str] = "10%",
    *,
    ignore_size: bool = False,
    limit: int | None = None,
    workers: int | None = None,
    seed: int = 0,
    admission: str | None = "none",
    victims: bool = False,
    hits: bool | str = False,
    interval: int | None = None,
    predictions: str | np.ndarray | Sequence[int] | None = None,
    costs: np.ndarray | Sequence[float] | None = None,
    stream: bool | None = None,
    memory: str = MEMORY,
    order: str = "head",
    progress: Callable[[int, int], None] | None = None,
    **options: Any,
) -> Replays:
    """Replay a trace through one cache per policy and capacity, counting misses; no time passes.

    Args:
        trace: a file, or an opened trace; of requests their prefix blocks are replayed.
        policy: names or paths of policies, or ``"all"``, which leaves out those that need prefix blocks if the trace
            has none.
        capacity: ``"4 GiB"``; ``"10%"`` of the footprint; or a plain number, which counts bytes where sizes differ, and
            objects where they are all equal or ignored.
        ignore_size: every object counts the same.
        limit: accesses to replay at most; of a file of requests, requests to read at most.
        workers: threads; they change nothing but the time. When absent, one per processor for long traces, and one for
            short ones, where threads would only disturb the measured seconds.
        seed: of policies that draw random numbers.
        admission: who may come in: ``second-request``, ``tinylfu`` or another of ``hiersim.policies.admission``, or the
            path of a file.
        victims: whether each result has ``victims``, the evicted objects in order.
        hits: whether each result has ``hit_map``, one bool per access; ``packed`` for one bit per access.
        interval: each result has ``series``, counts for every so many accesses.
        predictions: what policies with predictions are told: ``perfect`` (also when absent), ``noisy:sigma=0.5``,
            ``flip:p=0.1``, ``adversarial``, or an array with one for each access; `hiersim.drivers.predictions` says
            what they mean.
        costs: what a miss of each object costs, numbers from 0 in the order of the trace's objects; when absent, what
            the trace tells, if anything: its FLOPs. Where they are known, results have ``missed_cost``.
        stream: read the file piece by piece, with its numbers kept on disk, so that it may be larger than memory;
            ``None`` does so for files of accesses above 1 GiB (compressed or Parquet: 256 MiB). It changes no result.
        memory: bytes that streaming may use for numbering objects, and then for the state of the policies that run side
            by side; one policy's state may be larger.
        order: in which a request touches its prefix blocks: ``head`` first, as listed, or ``tail`` first.
        progress: called now and then with the accesses done and their number in all.
        options: how to read a file: ``model``, ``format`` and what else ``hiersim.open`` takes.

    Raises:
        HiersimError: the trace, a policy or a capacity is wrong.
    """
    check_outputs(hits, interval)
    check_numbers(workers, seed)
    room = bytes_of(memory)
    given: Errors | np.ndarray
    if predictions is None or isinstance(predictions, str):
        given = Errors.of(predictions or "perfect")
    else:
        given = np.asarray(predictions)
    with contextlib.ExitStack() as stack:
        accesses: AccessTrace | Spool
        if wants_stream(trace, stream, options):
            reading = options | {"ignore_size": ignore_size, "limit": limit}
            accesses = stack.enter_context(spooled(trace, room, reading))
        else:
            accesses = open_accesses(trace, ignore_size, limit, options)
        measure = measure_of(accesses, ignore_size)
        pairs, gate = chosen(policy, capacity, admission, accesses, measure)
        threads = workers or (1 if len(accesses) < PIECE else os.cpu_count() or 1)
        priced = accesses.costs if costs is None else costs_of(costs, accesses.objects)
        told: dict[str, Any] = {"seed": seed, "victims": victims, "hits": hits, "interval": interval, "admission": gate}
        told |= {"costs": priced, "spent": priced is not None}
        if isinstance(accesses, Spool):
            check_streamed(pairs, given)
            check_order(order, False)
            results = replay_spool(accesses, pairs, measure.unit == "objects", told, room, threads, progress)
        else:
            prefixes = Prefixes(accesses, order, hits)
            results = _Replaying(accesses, measure, told, given, prefixes, progress).all(pairs, threads)
    return Replays(results, measure.unit, accesses.name, measure.footprint)


class _Replaying:
    """Replays one trace through many caches, in threads, a piece at a time."""

    def __init__(
        self,
        trace: AccessTrace,
        measure: Measure,
        told: dict[str, Any],
        predictions: Errors | np.ndarray,
        prefixes: Prefixes,
        progress: Callable[[int, int], None] | None,
    ) -> None:
        self._keys, self._objects = prefixes.ordered(trace.object), trace.objects
        self._sizes = trace.size if measure.unit == "bytes" else None
        self._told: dict[str, Any] = told | {"parents": trace.parents, "hits": prefixes.hits, "counts_only": True}
        given = prefixes.ordered(predictions) if isinstance(predictions, np.ndarray) else predictions
        self._predictor = Predictor(self._keys, self._objects, self._sizes, given, told["seed"])
        self._prefixes, self._progress = prefixes, progress
        self._stop, self._done, self._lock = threading.Event(), 0, threading.Lock()

    def all(self, pairs: Sequence[tuple[Policy, int]], workers: int) -> list[CacheResult]:
        """Return the results in the order of the pairs."""
        gate = self._told["admission"]
        futures = [
            self._predictor.predictions(policy, size) if needs_future(policy, gate) else None for policy, size in pairs
        ]
        for policy in dict.fromkeys(policy for policy, _ in pairs):  # compiling is not for several threads at once
            Study(policy, 1, 0, sizes=None if self._sizes is None else self._sizes[:0], accesses=1, **self._told)
        total = len(pairs) * len(self._keys)
        with ThreadPoolExecutor(max(1, min(workers, len(pairs)))) as pool:
            jobs = [
                pool.submit(self._one, policy, size, future, total)
                for (policy, size), future in zip(pairs, futures, strict=True)
            ]
            try:
                for job in as_completed(jobs):
                    job.result()
            except BaseException:
                self._stop.set()
                pool.shutdown(wait=True, cancel_futures=True)
                raise
        return [job.result() for job in jobs]

    def _one(self, policy: Policy, size: int, future: np.ndarray | None, total: int) -> CacheResult:
        accesses = len(self._keys)
        study = Study(policy, size, self._objects, sizes=self._sizes, accesses=accesses, **self._told)
        for start in range(0, accesses, PIECE):
            if self._stop.is_set():
                break
            piece = slice(start, start + PIECE)
            study.feed(self._keys[piece], None if future is None else future[piece])
            with self._lock:
                self._done += len(self._keys[piece])
                if self._progress:
                    self._progress(self._done, total)
        return self._prefixes.judged(study.result())
