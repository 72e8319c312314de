"""Independent accesses with Zipf popularity: object k is touched in proportion to 1 / k^alpha."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hiersim.traces.access import AccessTrace
from hiersim.traces.generators.draw import AccessParameters, accesses_of, draw_zipf
from hiersim.traces.generators.generator import Generator, parameter


@dataclass(frozen=True)
class ZipfParameters(AccessParameters):
    """Parameters of the Zipf generator."""

    objects: int = parameter(100_000, "objects to choose from", low=1, high=2**30)
    alpha: float = parameter(1.0, "exponent of popularity; 0 is uniform", high=10)


def make(p: ZipfParameters, rng: np.random.Generator) -> AccessTrace:
    """Make the trace."""
    return accesses_of(rng, p, draw_zipf(rng, p.objects, p.alpha, p.accesses), p.objects)


GENERATOR = Generator("zipf", "independent accesses with Zipf popularity", ZipfParameters, make)
