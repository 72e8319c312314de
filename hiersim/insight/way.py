"""How far varied policies come from LRU to the optimum: both are run beside them, with all else as it is."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from hiersim.api.simulation import Simulation
from hiersim.errors import ConfigError
from hiersim.insight.planned import Planned, Run, Vary, varied

ENDS = ("lru", "opt")
TO_OPT = "to_opt_share"
"""The share of the way, as a number of a run: hits gained over those that the optimum gains."""


def policies_of(vary: Vary) -> list[str]:
    """Return the paths of tiers' policies among those that are varied."""
    steps = {path: path.split(".") for path in vary}
    return [path for path, step in steps.items() if len(step) == 3 and (step[0], step[2]) == ("tiers", "policy")]


def ends(simulation: Simulation, vary: Vary, planned: Sequence[Planned]) -> list[Planned]:
    """Return the runs with LRU and with the optimum that are not planned anyway.

    None where no policy is varied, or where nobody knows what is asked for next, as in a run that serves.
    """
    paths = policies_of(vary)
    if not paths:
        return []
    try:
        both = [varied(simulation, {**vary, **{path: [end] for path in paths}}) for end in ENDS]
    except ConfigError:
        return []
    there = {_key(settings) for _, settings, _ in planned}
    return [each for each in itertools.chain(*both) if _key(each[1]) not in there]


def with_shares(runs: Sequence[Run], others: Sequence[Run], vary: Vary) -> list[Run]:
    """Return runs that know how far they come, of the hits in the tiers whose policies are varied.

    Args:
        runs: those that were asked for.
        others: the ends that are not among them.
        vary: what was varied.
    """
    paths = policies_of(vary)
    found_there = {_key(run.settings): _hits(run, paths) for run in (*runs, *others)}
    found = []
    for run in runs:
        worst, best = (found_there.get(_key({**run.settings, **dict.fromkeys(paths, end)})) for end in ENDS)
        if worst is None or best is None or worst == best:
            found.append(run)
        else:
            found.append(replace(run, more={TO_OPT: (_hits(run, paths) - worst) / (best - worst)}))
    return found


def _hits(run: Run, paths: Sequence[str]) -> int:
    return sum(run.result.tiers[path.split(".")[1]].hits for path in paths)


def _key(settings: Any) -> tuple[tuple[str, str], ...]:
    return tuple(sorted((path, str(value)) for path, value in settings.items()))
