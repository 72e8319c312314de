"""Points on a Dask or a Ray cluster that already runs: joblib's backends, which come with the two.

The workers must have hiersim installed and see the scenario's files (trace, policies) under the same paths; each keeps
results in the store's folder as it sees it, and hands them back as well.
"""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar
from urllib.parse import urlsplit

from hiersim.errors import ConfigError
from hiersim.sweep.spread import Where

A = TypeVar("A")
B = TypeVar("B")
PATIENCE = 10
"""Seconds to wait for a cluster to answer."""
ROUND = 16
"""Items per worker that a Ray cluster gets at a time: its backend answers only when all of them are done."""


def spread_on_cluster(work: Callable[[A], B], items: Sequence[A], at: Where) -> Iterator[B]:
    """Run ``work`` on every item and yield what it returns, in the order of the items.

    Raises:
        ConfigError: the cluster cannot be reached.
    """
    from joblib import Parallel, delayed

    if at.address != "auto":
        _knock(at)
    if at.cluster == "dask":
        with _dask(at):
            yield from Parallel(n_jobs=at.workers or -1, return_as="generator")(delayed(work)(item) for item in items)
    else:
        with _ray(at) as workers:
            for start in range(0, len(items), ROUND * workers):
                batch = items[start : start + ROUND * workers]
                yield from Parallel(n_jobs=workers)(delayed(work)(item) for item in batch)


def _knock(at: Where) -> None:
    """Raise at once where nothing listens; the clusters' own clients wait for a minute, and talk meanwhile."""
    text = at.address if "://" in at.address else f"tcp://{at.address}"
    try:
        parts = urlsplit(text)
        with socket.create_connection((parts.hostname or "", parts.port or 0), PATIENCE):
            pass
    except (OSError, ValueError) as why:
        raise _unreachable(at, why) from None


@contextlib.contextmanager
def _dask(at: Where) -> Iterator[None]:
    from distributed import Client
    from joblib import parallel_config

    try:
        client: Any = Client(at.address, timeout=PATIENCE, set_as_default=False)
    except (OSError, ValueError) as why:
        raise _unreachable(at, why) from None
    with client, parallel_config("dask", client=client):
        yield


@contextlib.contextmanager
def _ray(at: Where) -> Iterator[int]:
    import ray
    from joblib import parallel_config
    from ray.util.joblib import register_ray

    mine = not ray.is_initialized()
    try:
        if mine:
            ray.init(address=at.address, log_to_driver=False, logging_level="error")
    except (OSError, ValueError, RuntimeError) as why:
        raise _unreachable(at, why) from None
    try:
        register_ray()
        with parallel_config("ray"):
            yield at.workers or max(1, int(ray.cluster_resources().get("CPU", 1)))
    finally:
        if mine:
            ray.shutdown()


def _unreachable(at: Where, why: Exception) -> ConfigError:
    reason = " ".join(str(why).split()) or type(why).__name__
    return ConfigError(f"no {at.cluster.capitalize()} cluster answers at {at.address}: {reason[:200]}")
