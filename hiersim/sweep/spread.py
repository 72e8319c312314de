"""Where points run: in this process, on the cores of this computer, or on a cluster that already runs."""

from __future__ import annotations

import contextlib
import functools
import importlib.util
import os
import warnings
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from hiersim.errors import ConfigError, HiersimError, Mistake, nearest

CLUSTERS = {"dask": "distributed", "ray": "ray"}
"""Kinds of clusters, and the package that each needs."""


@dataclass(frozen=True)
class Where:
    """Where to run.

    Attributes:
        workers: how many processes at once; when absent as many as there are cores, or all that a cluster has.
        cluster: ``dask`` or ``ray``; empty for the cores of this computer.
        address: of the cluster, such as ``tcp://127.0.0.1:8786``; for Ray ``auto`` finds the one on this computer.
    """

    workers: int | None = None
    cluster: str = ""
    address: str = ""


def where(workers: int | None, cluster: str | None, place: Callable[[str, str], Mistake]) -> Where:
    """Return where to run, from what a file or a command line says.

    Args:
        workers: a number, or ``None``.
        cluster: a text such as ``dask=tcp://127.0.0.1:8786`` or ``ray=auto``.
        place: makes a mistake of a key and a message.

    Raises:
        ConfigError: it says something impossible, or names a cluster whose package is not installed.
    """
    wrong = [place("workers", f"must be at least 1, got {workers}")] if workers is not None and workers < 1 else []
    kind, _, address = (cluster or "").partition("=")
    if cluster and kind not in CLUSTERS:
        what = f"`{kind}` is not a cluster{nearest(kind, CLUSTERS)}; write dask=tcp://HOST:PORT or ray=auto"
        wrong.append(place("cluster", what))
    elif cluster and not address:
        example = "ray=auto" if kind == "ray" else "dask=tcp://HOST:PORT"
        wrong.append(place("cluster", f"`{cluster}` has no address; write {example}"))
    elif cluster and importlib.util.find_spec(CLUSTERS[kind]) is None:
        wrong.append(place("cluster", f"{kind} is not installed; pip install 'hiersim[{kind}]'"))
    if wrong:
        raise ConfigError(wrong)
    return Where(workers, kind, address)


Spread = Callable[[Callable[[Any], Any], Sequence[Any]], Generator[Any]]
"""Runs a function on every item and yields what it returns, in the order of the items."""


@contextlib.contextmanager
def spreading(at: Where) -> Iterator[Spread]:
    """Give what runs a function on many items there.

    Raises:
        ConfigError: the cluster cannot be reached.
        HiersimError: a worker was killed.
    """
    if at.cluster:
        from hiersim.sweep.cluster import CLUSTER

        with CLUSTER[at.cluster](at) as spread:
            yield spread
        return
    yield functools.partial(_on_cores, at)


def _on_cores(at: Where, work: Callable[[Any], Any], items: Sequence[Any]) -> Generator[Any]:
    workers = processes(at, len(items))
    if workers == 1:
        yield from map(work, items)
        return
    from joblib import Parallel, delayed
    from joblib.externals.loky.process_executor import BrokenProcessPool

    try:
        yield from quietly(Parallel(n_jobs=workers, return_as="generator")(delayed(work)(item) for item in items))
    except BrokenProcessPool:
        what = (
            "a worker was killed, mostly for want of memory; what is finished is kept: start again with fewer --workers"
        )
        raise HiersimError(what) from None


def quietly(answers: Generator[Any]) -> Generator[Any]:
    """Yield joblib's answers; where they are not all wanted, leave out its warning that work was in vain."""
    try:
        for answer in answers:  # noqa: UP028 - `yield from` would close it first
            yield answer
    finally:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            answers.close()


def processes(at: Where, items: int) -> int:
    """Return how many processes of this computer work on so many items."""
    return min(at.workers or cores(), max(1, items))


def cores() -> int:
    """Return how many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
