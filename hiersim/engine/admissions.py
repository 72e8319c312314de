"""The admission policies of a run's tiers: found, told what the run is like, and bound to its World."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from hiersim.engine import columns as c
from hiersim.policies import admission
from hiersim.policies.hooks import bind_admission

if TYPE_CHECKING:
    from hiersim.engine.world import World
    from hiersim.machine import TierRules
    from hiersim.policies.contract import Setup
    from hiersim.policies.loader import Policy


def find_admissions(rules: Mapping[str, TierRules]) -> dict[int, Policy]:
    """Return the admission policies by the number of their tier.

    Raises:
        PolicyError: there is no such admission, or a user's file is wrong.
    """
    found = {t: admission.find(rule.admission.spec) for t, rule in enumerate(rules.values()) if rule.admission}
    return {t: each for t, each in found.items() if each is not None}


def bind_admissions(w: World, admissions: Mapping[int, Policy], setups: Mapping[int, Setup]) -> list[Any]:
    """Initialise each tier's admission and enter the addresses of its functions; return what must live with the World.

    Args:
        w: the world.
        admissions: by the number of their tier.
        setups: what each is told, its seed included.
    """
    kept = []
    for t, policy in admissions.items():
        state = policy.init(setups[t])
        addresses, table = bind_admission(policy, state, w.against)
        w.gates[t, [c.ON_ACCESS, c.ADMIT, c.PREFER]] = addresses
        w.gates[t, c.GATE_FIELDS] = table.ctypes.data
        w.tiers[t, c.T_GATED] = 1
        kept.append((state, table))
    return kept
