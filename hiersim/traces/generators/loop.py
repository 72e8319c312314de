"""The same objects in the same order, again and again: the worst case of LRU, and weights read layer by layer."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hiersim.traces.access import AccessTrace
from hiersim.traces.generators.draw import AccessParameters, accesses_of
from hiersim.traces.generators.generator import Generator, parameter


@dataclass(frozen=True)
class LoopParameters(AccessParameters):
    """Parameters of the loop generator."""

    objects: int = parameter(10_000, "objects in one round", low=1, high=2**30)


def make(p: LoopParameters, rng: np.random.Generator) -> AccessTrace:
    """Make the trace."""
    return accesses_of(rng, p, np.resize(np.arange(p.objects, dtype=np.int32), p.accesses), p.objects)


GENERATOR = Generator("loop", "the same objects in the same order, again and again", LoopParameters, make)
