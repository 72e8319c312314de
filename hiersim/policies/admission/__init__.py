"""Admission policies: whether an object that was asked for and is not in a cache may come in.

**The contract** is that of `hiersim.policies`: one file of plain, undecorated functions over arrays indexed by key, and
a user's own file by its path. Any admission goes with any replacement policy.

    class State(NamedTuple)             one-dimensional arrays, each with its dtype and meaning in a comment
    init(setup) -> State                `contract.Setup`
    on_access(state, key, req)          optional: ``key`` was asked for, here or not; before anything else of the access
    admit(state, key, req) -> bool      may ``key`` come in? It is not here, and it could fit
    prefer(state, key, victim, req) -> bool
                                        optional, asked after a yes and only where room must be made: may it come in
                                        although ``victim``, which the replacement policy chose, would leave first?

A key that is turned away is used without being kept; the replacement policy heard ``on_miss`` and hears no more of it.
Where several must leave for one large key, ``prefer`` is asked of the first alone. ``victim`` has been asked for and is
not followed after a no: a policy that moves a hand to choose (CLOCK, SIEVE) has moved it.

``Params``, ``check_params`` and ``NEEDS_FUTURE`` are as for replacement policies. In a timed run (docs/model.md,
section 8) ``on_access`` is what reached the tier, and more than misses ask for room: victims of the tier before it too.

A new one is its file and one line in ``TABLE``; a variant is a line with other parameters.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hiersim.policies.contract import Request, Setup
from hiersim.policies.family import Family

if TYPE_CHECKING:
    from hiersim.policies.loader import Policy

_HERE = "hiersim.policies.admission"
NONE = "none"  # everything is admitted
TABLE = {
    "second-request": f"{_HERE}.second_request",
    "tinylfu": f"{_HERE}.tinylfu",
    "size": f"{_HERE}.size",
    "size-chance": f"{_HERE}.size:soft=1",
    "cost": f"{_HERE}.cost",
    "expected-cost": f"{_HERE}.expected_cost",
    "probability": f"{_HERE}.probability",
    "bypass": f"{_HERE}.bypass",
}
NAMES = (NONE, *TABLE)
HOOKS = {
    "on_access": ("state", "key", "req"),
    "admit": ("state", "key", "req"),
    "prefer": ("state", "key", "victim", "req"),
}
ADMISSION = Family(
    kind="admission",
    table=TABLE,
    hooks=HOOKS,
    optional=("on_access", "prefer"),
    results={},
    arguments={"key": 0, "victim": 0, "req": Request(0, 1, 0, 0)},
    sample=Setup(capacity=8, objects=16, accesses=64, uniform=True, seed=1),
    listed=f"one of {', '.join(NAMES)}, or a file",
    answers=("admit", "prefer"),
)


def find(spec: str, *, check: bool | None = None) -> Policy | None:
    """Return an admission policy, compiled on first use; ``None`` for ``none``, which admits everything.

    Args:
        spec: one of ``NAMES`` or the path of a Python file, either with parameters: ``probability:p=0.1``.
        check: compile with bounds checks; by default for files, and not for the package's own.

    Raises:
        PolicyError: there is no such policy or parameter, or a user's file is wrong; one line that says where.
    """
    from hiersim.policies import loader

    return None if spec == NONE else loader.find(spec, check=check, family=ADMISSION)
