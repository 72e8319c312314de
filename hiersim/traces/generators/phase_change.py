"""Phases with Zipf popularity: at each change, part of the working set gives way to new objects."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hiersim.traces.access import AccessTrace
from hiersim.traces.generators.draw import AccessParameters, accesses_of, draw_zipf
from hiersim.traces.generators.generator import Generator, parameter


@dataclass(frozen=True)
class PhaseParameters(AccessParameters):
    """Parameters of the phase-change generator."""

    objects: int = parameter(10_000, "objects of one phase", low=1, high=2**24)
    alpha: float = parameter(0.9, "exponent of popularity in a phase", high=10)
    phases: int = parameter(5, "phases of equal length", low=1, high=1000)
    kept: float = parameter(0.2, "share of a phase's objects that the next phase keeps", high=1)


def make(p: PhaseParameters, rng: np.random.Generator) -> AccessTrace:
    """Make the trace; popularity ranks are dealt anew in each phase."""
    fresh = p.objects - round(p.objects * p.kept)
    working = np.arange(p.objects, dtype=np.int32)
    parts, made = [], p.objects
    for phase in range(p.phases):
        length = p.accesses * (phase + 1) // p.phases - p.accesses * phase // p.phases
        parts.append(working[draw_zipf(rng, p.objects, p.alpha, length)])
        working = rng.permutation(working)
        working[:fresh] = np.arange(made, made + fresh, dtype=np.int32)
        working, made = rng.permutation(working), made + fresh
    return accesses_of(rng, p, np.concatenate(parts), made)


GENERATOR = Generator("phase_change", "phases whose working sets differ in part", PhaseParameters, make)
