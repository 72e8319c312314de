"""Points on a Dask or a Ray cluster that already runs: joblib's backends, which come with the two.

The workers must have hiersim installed and see the scenario's files (trace, policies) under the same paths; each keeps
results in the store's folder as it sees it, and hands them back as well.
"""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable, Generator, Iterator, Sequence
from typing import Any
from urllib.parse import urlsplit

from hiersim.errors import ConfigError
from hiersim.sweep.spread import Spread, Where, quietly

PATIENCE = 10
"""Seconds to wait for a cluster to answer."""
ROUND = 16
"""Items per worker that a Ray cluster gets at a time: its backend answers only when all of them are done."""


@contextlib.contextmanager
def on_dask(at: Where) -> Iterator[Spread]:
    """Give what runs a function on many items on a Dask cluster.

    Raises:
        ConfigError: the cluster cannot be reached.
    """
    from distributed import Client
    from joblib import Parallel, delayed, parallel_config

    _knock(at)
    try:
        client: Any = Client(at.address, timeout=PATIENCE, set_as_default=False)
    except (OSError, ValueError) as why:
        raise _unreachable(at, why) from None

    def spread(work: Callable[[Any], Any], items: Sequence[Any]) -> Generator[Any]:
        with parallel_config("dask", client=client):
            parallel = Parallel(n_jobs=at.workers or -1, return_as="generator")
            yield from quietly(parallel(delayed(work)(item) for item in items))

    with client:
        yield spread


@contextlib.contextmanager
def on_ray(at: Where) -> Iterator[Spread]:
    """Give what runs a function on many items on a Ray cluster; what is connected already stays so.

    Raises:
        ConfigError: the cluster cannot be reached.
    """
    import ray
    from joblib import Parallel, delayed, parallel_config
    from ray.util.joblib import register_ray

    _knock(at)
    mine = not ray.is_initialized()
    try:
        if mine:
            ray.init(address=at.address, log_to_driver=False, logging_level="error")
    except (OSError, ValueError, RuntimeError) as why:
        raise _unreachable(at, why) from None
    register_ray()
    workers = at.workers or max(1, int(ray.cluster_resources().get("CPU", 1)))

    def spread(work: Callable[[Any], Any], items: Sequence[Any]) -> Generator[Any]:
        for start in range(0, len(items), ROUND * workers):
            batch = items[start : start + ROUND * workers]
            with parallel_config("ray"):
                yield from Parallel(n_jobs=workers)(delayed(work)(item) for item in batch)

    try:
        yield spread
    finally:
        if mine:
            ray.shutdown()


CLUSTER = {"dask": on_dask, "ray": on_ray}
"""What runs on each kind of cluster."""


def _knock(at: Where) -> None:
    """Raise at once where nothing listens; the clusters' own clients wait for a minute, and talk meanwhile."""
    if at.address == "auto":
        return
    text = at.address if "://" in at.address else f"tcp://{at.address}"
    try:
        parts = urlsplit(text)
        with socket.create_connection((parts.hostname or "", parts.port or 0), PATIENCE):
            pass
    except (OSError, ValueError) as why:
        raise _unreachable(at, why) from None


def _unreachable(at: Where, why: Exception) -> ConfigError:
    reason = " ".join(str(why).split()) or type(why).__name__
    return ConfigError(f"no {at.cluster.capitalize()} cluster answers at {at.address}: {reason[:200]}")
