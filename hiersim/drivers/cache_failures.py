"""What to say when a user's policy fails in the middle of a replay: which function, where in the file, and why."""

from __future__ import annotations

from typing import Any

import numpy as np

from hiersim.errors import PolicyError
from hiersim.policies import checks
from hiersim.policies.contract import NEVER, Request
from hiersim.policies.loader import Policy


def failed(
    why: Exception,
    policies: tuple[tuple[Policy, Any], ...],
    access: tuple[int, int, int, int],
    here: np.ndarray,
) -> PolicyError:
    """Return the error to raise; compiled code does not know its lines, so its last calls are made again in Python.

    Args:
        why: what the compiled loop raised.
        policies: those in the loop that are a user's, each with its state.
        access: at which it failed: key, size, number, and number of the key's next access (-1 for none).
        here: uint8[objects], what is in the cache.
    """
    key, size, now, later = access
    req = Request(key, size, now, later if later >= 0 else NEVER)
    order: list[tuple[str, tuple[Any, ...]]] = [("on_access", (key, req))]
    if here[key]:
        order += [("on_hit", (key, req))]
    else:
        order += [("on_miss", (key, req)), ("admit", (key, req)), ("victim", (req,)), ("on_remove", (...,))]
        order += [("on_insert", (key, req))]
    order += [("surplus", ())]
    for policy, state in policies:
        calls = [(name, (state, *given)) for name, given in order if name in policy.family.hooks]
        if said := checks.failure_in(policy, calls):
            return PolicyError(said)
    names = ", ".join(f"{policy.family.kind} `{policy.name}`" for policy, _ in policies)
    return PolicyError(f"{names}: {type(why).__name__}: {why}")


def not_here(policy: Policy, hook: str, key: int, access: int) -> PolicyError:
    """Return the error to raise when a policy's ``victim`` or ``surplus`` named a key that is not in the cache."""
    what = f"{hook} returned {key}, which is not in the cache, at access {access}"
    return PolicyError(f"policy `{policy.name}`: {what}{checks.line_of(policy, hook)}")
