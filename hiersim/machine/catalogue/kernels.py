"""The kernels of any unit: its own measured constants, and for the rest the medians of the measured cards of its class.

``kernels.yaml`` has the medians, by what the near tier is made of; ``parts/units.yaml`` has the cards.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from hiersim.machine.catalogue import _read, traced
from hiersim.machine.kernels import GROUPS, Kernels
from hiersim.machine.mistakes import validated
from hiersim.machine.tier import Tier
from hiersim.machine.unit import Unit
from hiersim.units import FROM_TEXT


@dataclass(frozen=True)
class Known:
    """The kernels of a unit.

    Attributes:
        kernels: with every group that a step needs.
        estimates: which fields are estimates: those of its class, and those that its own description calls so.
    """

    kernels: Kernels
    estimates: tuple[str, ...]


def kernels_of(unit: Unit, near: Tier) -> Known:
    """Return a unit's kernels; what it does not state is taken from its class and is an estimate."""
    own, usual = unit.kernels or Kernels(), class_kernels(class_of(near))
    absent = [name for name in ("l2_capacity", *GROUPS) if getattr(own, name) is None]
    absent += [f"{name}_8bit" for name in absent if getattr(usual, f"{name}_8bit", None)]
    filled = own.model_copy(update={name: getattr(usual, name) for name in absent})
    return Known(filled, (*absent, *own.estimates()))


def class_of(near: Tier) -> str:
    """Return the class of memory whose cards stand for a near tier: ``hbm``, or ``gddr`` for all others."""
    return "hbm" if near.kind == "hbm" else "gddr"


@cache
def class_kernels(name: str) -> Kernels:
    """Return the medians of a class of memory, ``hbm`` or ``gddr``."""
    entry = _read("kernels.yaml")[name]
    found, problems = validated(Kernels, traced(entry["figures"], entry["sources"]), FROM_TEXT)
    if found is None:
        raise AssertionError(f"kernels.yaml, {name}: {problems}")
    return found
