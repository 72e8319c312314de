"""Miss-ratio curves of a trace: LRU at every capacity in one pass, other policies on a grid, samples on request."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from hiersim.api.curve_gains import Gain, Knee, knees
from hiersim.api.curve_points import Place
from hiersim.drivers.curves.curve import Curve
from hiersim.errors import ConfigError, Mistake, nearest

if TYPE_CHECKING:
    import polars as pl

    from hiersim.api.choices import Trace

SCHEMA = "hiersim-mrc/1"


@dataclass(frozen=True)
class Curves:
    """The curves of a trace, one per policy, and what they say of a machine.

    Attributes:
        trace: its name.
        unit: what capacities count, ``bytes`` or ``objects``.
        each: bytes of an object where all are equal and have bytes; 1 otherwise.
        accesses: of the trace.
        objects: of the trace.
        footprint: of all objects, in ``unit``.
        first_uses: share of the accesses that no capacity makes a hit.
        curves: one per policy.
        places: a machine's tiers from near to far, or the capacities asked for if something is added to them.
        gains: what doubling each place, or adding to it, would buy.
    """

    trace: str
    unit: str
    each: int
    accesses: int
    objects: int
    footprint: int
    first_uses: float
    curves: tuple[Curve, ...]
    places: tuple[Place, ...] = ()
    gains: tuple[Gain, ...] = field(default=())

    def __getitem__(self, policy: str) -> Curve:
        for curve in self.curves:
            if curve.policy == policy:
                return curve
        names = [curve.policy for curve in self.curves]
        raise ConfigError(f"no curve of `{policy}`{nearest(policy, names)} (there are {', '.join(names)})")

    def knees(self) -> dict[str, list[Knee]]:
        """Return the knees of each policy's curve."""
        return {curve.policy: knees(curve) for curve in self.curves}

    def rows(self) -> list[dict[str, Any]]:
        """Return plain numbers, one mapping per point of each curve; capacities count ``unit``."""
        about = [{"policy": curve.policy, "method": curve.method} for curve in self.curves]
        return [of | row for of, curve in zip(about, self.curves, strict=True) for row in _points(curve)]

    def table(self) -> pl.DataFrame:
        """Return a table with one row per point, its columns those of ``rows``."""
        import polars as pl

        return pl.DataFrame(self.rows(), infer_schema_length=None)

    def as_dict(self) -> dict[str, Any]:
        """Return everything as plain numbers, texts, lists and dictionaries, for JSON."""
        names = ("trace", "unit", "accesses", "objects", "footprint", "first_uses")
        about = {name: getattr(self, name) for name in names}
        curves = [
            {"policy": curve.policy, "method": curve.method, "seeds": curve.seeds}
            | {"off": curve.off, "checked": [{"capacity": size, "miss_ratio": ratio} for size, ratio in curve.checked]}
            | {"knees": [asdict(knee) for knee in knees(curve)], "points": _points(curve)}
            for curve in self.curves
        ]
        told = {"tiers": [asdict(place) for place in self.places], "gains": [asdict(gain) for gain in self.gains]}
        return {"schema": SCHEMA, **about, "object_bytes": self.each, "curves": curves, **told}

    def _repr_html_(self) -> str:
        html: str = self.table()._repr_html_()
        return html


def _points(curve: Curve) -> list[dict[str, Any]]:
    columns = ("capacity", "miss_ratio", "byte_miss_ratio", "error", "byte_error", "rate")
    values = [getattr(curve, name).tolist() for name in columns]
    rows = [dict(zip(columns, row, strict=True)) for row in zip(*values, strict=True)]
    return [{name: None if math.isnan(value) else value for name, value in row.items()} for row in rows]


def mrc(
    trace: Trace,
    policy: str | Sequence[str] = "lru",
    capacity: int | str | Sequence[int | str] | None = None,
    *,
    machine: str | None = None,
    tiers: Mapping[str, str | int] | None = None,
    add: str | int | Sequence[str | int] = (),
    rate: float | None = None,
    sample_objects: int | None = None,
    seeds: int = 10,
    checks: int = 3,
    ignore_size: bool = False,
    limit: int | None = None,
    workers: int | None = None,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
    **options: Any,
) -> Curves:
    """Return miss-ratio curves: how much a cache misses, as a function of its capacity.

    LRU is exact at all capacities in one pass. Other policies are replayed at capacities from a thousandth of the
    footprint to all of it, two per doubling; if that is more than some hundred million accesses, on samples of the
    objects in caches scaled down as much (``miniature``), with the error that several samples show.

    Args:
        trace: a file, or an opened trace; of requests their prefix blocks are taken.
        policy: names or paths of policies, or ``"all"``.
        capacity: at which to ask, instead of the grid: ``"4 GiB"``, ``"10%"`` of the footprint, or a plain number,
            which counts bytes where sizes differ, and objects where they are all equal or ignored.
        machine: a name of the catalogue, whose tiers are taken together from near to far.
        tiers: capacities that replace those of the machine's tiers, such as ``{"hbm": "20 GiB"}``.
        add: ``"256 GiB"`` to each tier in turn, ``"dram=256 GiB"`` to one; without a machine, to each capacity.
        rate: share of the objects in a sample, more than 0 and at most 1; 1 forbids sampling.
        sample_objects: LRU from samples of at most so many objects each, instead of ``rate``.
        seeds: how many samples are taken, 2 to 32.
        checks: at how many capacities a sampled curve is compared with a replay of the whole trace.
        ignore_size: every object counts the same.
        limit: accesses at most; of a file of requests, requests to read at most.
        workers: threads; they change nothing but the time.
        seed: of the first sample, and of policies that draw random numbers.
        progress: called now and then with the replays done and their number in all.
        options: how to read a file: ``model``, ``format`` and what else ``hiersim.open`` takes.

    Raises:
        HiersimError: the trace, a policy, a capacity, a machine or a rate is wrong.
    """
    from hiersim.api.curve_making import Making, Sampling

    wrong: list[Mistake] = []
    sampling = Sampling(rate, sample_objects, seeds, checks, seed, wrong)
    making = Making(trace, ignore_size, limit, options, sampling, workers, progress)
    making.ask(policy, capacity, machine, tiers or {}, [add] if isinstance(add, str | int) else list(add), wrong)
    if wrong:
        raise ConfigError(wrong)
    made = making.curves()
    said = tuple(gain for curve in made for gain in making.gains(curve))
    return Curves(**making.about(), curves=tuple(made), places=tuple(making.places), gains=said)
