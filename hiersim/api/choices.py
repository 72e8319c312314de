"""What a replay is asked to do: its accesses, and which policies at which capacities behind which admission."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from hiersim import policies
from hiersim.api.capacity import Measure, capacities
from hiersim.api.replay_stream import needs_whole
from hiersim.api.sources import accesses_of, open
from hiersim.errors import ConfigError, Mistake, PolicyError, TraceError
from hiersim.policies import admission as admissions
from hiersim.policies.loader import Policy
from hiersim.traces.access import AccessTrace
from hiersim.traces.request import RequestTrace
from hiersim.traces.spool import Spool

Trace = str | Path | AccessTrace | RequestTrace


def split_policies(text: str) -> list[str]:
    """Split ``lru,s3fifo:small=0.2,ghost=0.5,arc`` into policies, each with its parameters."""
    names: list[str] = []
    for part in text.split(","):
        if names and "=" in part and ":" not in part and "=" in names[-1]:
            names[-1] += f",{part.strip()}"
        else:
            names.append(part.strip())
    return names


def chosen(
    policy: str | Sequence[str],
    capacity: int | str | Sequence[int | str],
    admission: str | None,
    trace: AccessTrace | Spool,
    measure: Measure,
) -> tuple[list[tuple[Policy, int]], Policy | None]:
    """Return the pairs of policy and capacity (bytes or objects), and the admission; complain of all that is wrong."""
    wrong: list[Mistake] = []
    found = find_policies(policy_names(policy, trace), wrong)
    sizes = capacities(capacity, measure, wrong)
    gate = _find_admission(admission or admissions.NONE, wrong)
    if wrong:
        raise ConfigError(wrong)
    return [(each, size) for each in found for size in sizes], gate


def policy_names(given: str | Sequence[str], trace: AccessTrace | Spool) -> list[str]:
    """Return the policies that are named, each once; `all` are those that the trace has all for."""
    texts = list(given) if isinstance(given, Iterable) and not isinstance(given, str) else [given]
    if strange := [text for text in texts if not isinstance(text, str | Path)]:
        raise ConfigError([Mistake("policy", f"must be a name or the path of a file, got {strange[0]!r}")])
    names = [name for text in texts for name in split_policies(str(text))]
    every = [name for name in policies.NAMES if "all" in names and _can_run(policies.find(name), trace)]
    return list(dict.fromkeys(each for name in names for each in (every if name == "all" else [name])))


def _can_run(policy: Policy, trace: AccessTrace | Spool) -> bool:
    """Tell whether a trace has what a policy needs: prefix blocks, or all accesses at once to predict bits from."""
    if policy.needs_parents and trace.parents is None:
        return False
    return not (isinstance(trace, Spool) and needs_whole(policy))


def find_policies(names: Sequence[str], wrong: list[Mistake]) -> list[Policy]:
    """Return policies by name or path; add to ``wrong`` what is none."""
    found = []
    for name in names:
        try:
            found.append(policies.find(name))
        except PolicyError as why:
            wrong.append(Mistake("policy", str(why)))
    if not names:
        wrong.append(Mistake("policy", "names no policy"))
    return found


def _find_admission(name: str, wrong: list[Mistake]) -> Policy | None:
    try:
        return admissions.find(name)
    except PolicyError as why:
        wrong.append(Mistake("admission", str(why)))
        return None


def costs_of(given: np.ndarray | Sequence[float], objects: int) -> np.ndarray:
    """Return what a miss of each object costs, float64[objects].

    Raises:
        ConfigError: they are not numbers, one for each object.
    """
    try:
        found = np.asarray(given, np.float64)
    except (TypeError, ValueError):
        raise ConfigError([Mistake("costs", "must be numbers from 0, one for each object")]) from None
    if found.shape != (objects,):
        had = " x ".join(map(str, found.shape)) or "a single one"
        raise ConfigError([Mistake("costs", f"must be one for each of {objects} objects, got {had}")])
    return found


def check_numbers(workers: int | None, seed: int) -> None:
    """Refuse impossible numbers of threads, and seeds that are none.

    Raises:
        ConfigError: one of them, or both.
    """
    wrong = []
    if workers is not None and workers < 1:
        wrong.append(Mistake("workers", f"must be at least 1, got {workers}"))
    if not isinstance(seed, int | np.integer):
        wrong.append(Mistake("seed", f"must be a whole number, got {seed!r}"))
    if wrong:
        raise ConfigError(wrong)


def open_accesses(trace: Trace, ignore_size: bool, limit: int | None, options: dict[str, Any]) -> AccessTrace:
    """Return the accesses of a trace, opened if need be; the arguments are those of ``replay``."""
    if isinstance(trace, str | Path):
        opened = open(trace, ignore_size=ignore_size, limit=limit, **options)
    else:
        if options:
            raise ConfigError([Mistake("trace", f"is open already, so {', '.join(options)} cannot change it")])
        if limit is not None and limit < 1:
            raise ConfigError([Mistake("limit", f"must be at least 1, got {limit}")])
        opened = trace if limit is None else trace.limit(limit)
    found = accesses_of(opened)
    if not len(found):
        raise TraceError(f"{found.source or found.name}: holds no accesses")
    return found
