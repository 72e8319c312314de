"""Replays of files larger than memory: read once and kept on disk as dense numbers, then fed to all caches at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeGuard

import numpy as np

from hiersim.drivers.cache_loop import needs_future
from hiersim.drivers.cache_stream import batches, feed_all
from hiersim.drivers.cache_study import CacheResult, Study
from hiersim.drivers.predictions import Errors
from hiersim.errors import ConfigError, Mistake
from hiersim.policies import counting
from hiersim.policies.footprint import footprint
from hiersim.policies.loader import Policy
from hiersim.traces.files import GZIP, ZSTD
from hiersim.traces.formats import locate
from hiersim.traces.spool import Spool, spool
from hiersim.units import parse

LARGE = 1 << 30  # bytes; files above are streamed unless the caller says otherwise
PACKED = 4  # how much larger a compressed file is taken to be
MEMORY = "2 GiB"
LEAST = 1 << 20
REQUESTS_ONLY = ("model", "dtype")  # options that say nothing of a file of accesses


def wants_stream(trace: object, stream: bool | None, options: dict[str, Any]) -> TypeGuard[str | Path]:
    """Tell whether a trace is to be streamed: as the caller says, else if it is a large file of accesses.

    Raises:
        ConfigError: the trace is open already, and cannot be streamed.
        TraceError: the file cannot be read.
    """
    if not isinstance(trace, str | Path):
        if stream:
            raise ConfigError([Mistake("stream", "is for files; this trace is in memory already")])
        return False
    if stream is not None:
        return stream
    file, kind = locate(trace, options.get("format"))
    if kind.records is None or file.stat().st_size <= LARGE // PACKED:
        return False
    with file.open("rb") as opened:
        start = opened.read(4)
    packed = start == ZSTD or start[:2] == GZIP or kind.name == "parquet"
    return file.stat().st_size * (PACKED if packed else 1) > LARGE and not kind.has_requests(file)


def spooled(trace: str | Path, memory: int, options: dict[str, Any]) -> Spool:
    """Read a file and keep it on disk as dense numbers; ``options`` as for opening it whole.

    Raises:
        HiersimError: the file or an option is wrong, or the disk is full.
    """
    return spool(trace, memory=memory, **{key: value for key, value in options.items() if key not in REQUESTS_ONLY})


def bytes_of(memory: str) -> int:
    """Return the memory that streaming may use, in bytes.

    Raises:
        ConfigError: it is not an amount of bytes, or less than 1 MiB.
    """
    try:
        found = int(parse(memory, "bytes"))
    except ConfigError as why:
        raise ConfigError([Mistake("memory", why.mistakes[0].what)]) from None
    if found < LEAST:
        raise ConfigError([Mistake("memory", f"must be at least 1 MiB, got `{memory}`")])
    return found


def needs_whole(policy: Policy) -> bool:
    """Tell whether a policy is told what only a pass over the whole trace in memory finds: bits, not next uses."""
    return policy.predicts not in ("", "next_use")


def check_streamed(pairs: Sequence[tuple[Policy, int]], given: Errors | np.ndarray) -> None:
    """Refuse what a streamed replay cannot tell its policies.

    Raises:
        ConfigError: predictions are not perfect, or a policy takes bits.
    """
    remedy = "which a streamed replay does not give; --no-stream (stream=False) does"
    if isinstance(given, np.ndarray) or given.kind != "perfect":
        raise ConfigError([Mistake("predictions", f"have errors, {remedy}")])
    for policy, _ in pairs:
        if needs_whole(policy):
            raise ConfigError([Mistake("policy", f"`{policy.name}` takes {policy.predicts} bits, {remedy}")])


def replay_spool(
    trace: Spool,
    pairs: Sequence[tuple[Policy, int]],
    uniform: bool,
    given: dict[str, Any],
    memory: int,
    workers: int,
    progress: Callable[[int, int], None] | None,
) -> list[CacheResult]:
    """Replay through one cache per policy and capacity, as many of them at a time as fit into ``memory`` bytes."""
    done, total = 0, len(pairs) * len(trace)

    def tell(accesses: int) -> None:
        nonlocal done
        done += accesses
        if progress:
            progress(done, total)

    told: dict[str, Any] = given | {"sizes": None if uniform else trace.size, "counts_only": True}
    results: list[CacheResult] = []
    needs = [_need(policy, capacity, trace, uniform) for policy, capacity in pairs]
    for batch in batches(needs, memory):
        studies = [
            Study(policy, capacity, trace.objects, accesses=len(trace), **told)
            for policy, capacity in (pairs[i] for i in batch)
        ]
        future = any(needs_future(study.policy, study.admission) for study in studies)
        feed_all(studies, trace.pieces(future), workers, tell)
        results += [study.result() for study in studies]
    return results


def _need(policy: Policy, capacity: int, trace: Spool, uniform: bool) -> int:
    """Return the bytes of state that a cache needs, with the byte an object that tells what is in it."""
    slots = capacity if uniform else trace.objects
    kept = [footprint(each, uniform=uniform) for each in (policy, counting.find(policy) if uniform else None) if each]
    return max(each.bytes(trace.objects, slots, len(trace)) for each in kept) + trace.objects
