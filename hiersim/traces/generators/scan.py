"""A hot set with Zipf popularity, interrupted by scans over objects that are never used again."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hiersim.errors import ConfigError
from hiersim.traces.access import AccessTrace
from hiersim.traces.generators.draw import AccessParameters, accesses_of, draw_zipf
from hiersim.traces.generators.generator import Generator, parameter


@dataclass(frozen=True)
class ScanParameters(AccessParameters):
    """Parameters of the scan generator."""

    objects: int = parameter(10_000, "objects of the hot set", low=1, high=2**30)
    alpha: float = parameter(0.8, "exponent of popularity in the hot set", high=10)
    scans: int = parameter(10, "scans, evenly spread over the trace", high=10**6)
    scan_objects: int = parameter(20_000, "objects touched once in each scan", low=1, high=2**30)


def make(p: ScanParameters, rng: np.random.Generator) -> AccessTrace:
    """Make the trace; ``accesses`` counts the scans too."""
    scanned = p.scans * p.scan_objects
    if scanned > p.accesses:
        raise ConfigError(f"scan: {p.scans} scans of {p.scan_objects:,} objects exceed {p.accesses:,} accesses")
    hot = draw_zipf(rng, p.objects, p.alpha, p.accesses - scanned)
    cold = np.arange(p.objects, p.objects + scanned, dtype=np.int32).reshape(p.scans, p.scan_objects)
    parts = np.array_split(hot, p.scans + 1)
    mixed = [part for pair in zip(parts, cold, strict=False) for part in pair]
    return accesses_of(rng, p, np.concatenate([*mixed, parts[-1]]), p.objects + scanned)


GENERATOR = Generator("scan", "a hot set, interrupted by scans over objects never used again", ScanParameters, make)
