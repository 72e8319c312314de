"""The order of a closed loop's accesses, for policies that know the future: that of a run with LRU in their place.

With several streams nobody knows it beforehand: a stream whose objects are near runs ahead of the others. Told the
order of the trace, Belady's rule evicts what comes next.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from hiersim.engine.admissions import find_admissions
from hiersim.engine.core import Core
from hiersim.engine.foresight import Foresight, in_order
from hiersim.machine import TierRules
from hiersim.policies import find

if TYPE_CHECKING:
    from hiersim.machine import ClassRules, Machine
    from hiersim.machine import Replay as ReplayRules
    from hiersim.traces import AccessTrace


def rehearse(
    machine: Machine,
    rules: Mapping[str, TierRules],
    classes: Mapping[str, ClassRules],
    replay: ReplayRules,
    trace: AccessTrace,
    seed: int,
) -> Foresight | None:
    """Return what is asked for next in the order in which a run with LRU issues the accesses.

    ``None`` where no policy asks, where the order is that of the trace, and where that run stands still.

    Args:
        machine: the machine.
        rules: the managed tiers.
        classes: what happens on a miss.
        replay: how the trace is replayed.
        trace: the accesses.
        seed: of randomised policies.
    """
    if replay.mode == "open" or replay.streams == 1:
        return None
    plain = {name: _without_future(name, each, rules) for name, each in rules.items()}
    if all(plain[name] is each for name, each in rules.items()):
        return None
    core = Core(machine, plain, classes, replay, trace, seed)
    core.run()
    return in_order(trace, np.argsort(core.world.issued, kind="stable")) if core.finished else None


def _without_future(name: str, each: TierRules, rules: Mapping[str, TierRules]) -> TierRules:
    """Return a tier's rules with LRU, and without admission, where those that it has ask for the future."""
    usual = TierRules()
    changed: dict[str, object] = {}
    if find(each.policy.spec).needs_future:
        changed["policy"] = usual.policy
    if any(admission.needs_future for admission in find_admissions({name: rules[name]}).values()):
        changed["admission"] = usual.admission
    return each.model_copy(update=changed) if changed else each
