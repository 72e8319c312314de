"""What a run gains without one of its busiest resources: it is run again with that a thousand times as fast."""

from __future__ import annotations

from collections.abc import Callable

from hiersim.api.balance import Balance, balance
from hiersim.api.simulation import Simulation
from hiersim.insight.knobs import Knob, applied, knobs

FACTOR = 1000.0
"""As good as infinite."""
RESOURCE = {"unit": "flop_per_s", "tier": "bandwidth", "link": "bandwidth"}
"""What is made faster of each sort of resource, as paths of knobs have it."""


def without(
    simulation: Simulation, found: Balance, most: int = 3, progress: Callable[[int, int], None] | None = None
) -> dict[str, float]:
    """Return how many times faster a scenario runs with each of its busiest resources a thousand times as fast.

    Args:
        simulation: the scenario.
        found: the balance of its run.
        most: how many resources, the most needed first; directions of a link, and ports of a tier, count as one.
        progress: told how many of the runs are done.

    Returns:
        times by the name of the resource in the balance; those whose speed is not a figure of the machine are missing.
    """
    trace, times = simulation.trace(), dict[str, float]()
    chosen = _chosen(simulation, found, most)
    for i, (name, knob) in enumerate(chosen.items()):
        faster = Simulation(applied(simulation.scenario, knob.turned(FACTOR))).run(trace=trace)
        times[name] = found.elapsed_ps / max(1, balance(faster).elapsed_ps)
        if progress is not None:
            progress(i + 1, len(chosen))
    return times


def _chosen(simulation: Simulation, found: Balance, most: int) -> dict[str, Knob]:
    """Return what is turned for each of the busiest resources."""
    by_path = {knob.path: knob for knob in knobs(simulation.scenario)}
    chosen: dict[str, Knob] = {}
    for each in found.resources:
        part = each.name if each.sort == "unit" else each.name.split(".")[0]
        knob = by_path.get(f"{each.sort}s.{part}.{RESOURCE[each.sort]}")
        if knob is not None and knob not in chosen.values() and len(chosen) < most:
            chosen[each.name] = knob
    return chosen
