"""At which capacities a miss-ratio curve is asked for: a grid, a machine's tiers, and what would be added to them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hiersim.api.capacity import MOST, Measure, capacity
from hiersim.errors import ConfigError, HiersimError, Mistake, nearest
from hiersim.units import parse

OCTAVES, FINE_OCTAVES = 10, 12  # how far below the footprint the grids begin
PER_OCTAVE, FINE_PER_OCTAVE = 2, 16


@dataclass(frozen=True)
class Place:
    """What is marked on the curves: a tier of a machine, or what was asked for.

    Attributes:
        name: of the tier, or the capacity as it was given.
        capacity: bytes of its own, or objects where all count the same.
        upto: that of all tiers from the nearest to this one, in the same unit.
    """

    name: str
    capacity: int
    upto: int


@dataclass(frozen=True)
class Addition:
    """What might be added.

    Attributes:
        place: the name of the tier that it is added to; empty for each in turn.
        size: how much, in bytes or objects; 0 to double the tier.
    """

    place: str
    size: int


def grid(measure: Measure, octaves: int = OCTAVES, per_octave: int = PER_OCTAVE) -> NDArray[np.int64]:
    """Return capacities from the footprint downwards by equal factors, increasing, in the measure's unit."""
    steps = np.arange(octaves * per_octave, -1, -1) / per_octave
    found = np.unique((measure.footprint * 2.0**-steps).astype(np.int64))
    found[-1] = measure.footprint
    return np.asarray(found[found >= measure.least])


def fine_grid(measure: Measure) -> NDArray[np.int64]:
    """Return many capacities, for curves whose points cost nothing."""
    return grid(measure, FINE_OCTAVES, FINE_PER_OCTAVE)


def places_of(
    machine: str | None, tiers: Mapping[str, str | int], measure: Measure, wrong: list[Mistake]
) -> list[Place]:
    """Return the tiers of a machine from near to far; add to ``wrong`` what is not right.

    Args:
        machine: a name of the catalogue; ``None`` for no places.
        tiers: capacities in bytes that replace the machine's own, by the tier's name.
        measure: how capacities are counted.
        wrong: where mistakes go.
    """
    if machine is None:
        wrong += [Mistake("tier", f"`{name}` is of no machine; name one") for name in tiers]
        return []
    from hiersim.machine.catalogue import find_machine

    try:
        found = find_machine(machine)
    except ConfigError as why:
        wrong.append(Mistake("machine", why.mistakes[0].what))
        return []
    if measure.unit == "objects" and (measure.ignored or measure.each == 1):
        why_not = "sizes are ignored" if measure.ignored else "the trace has no sizes (name a model)"
        wrong.append(Mistake("machine", f"cannot be marked: its tiers are in bytes, but {why_not}"))
        return []
    chain = found.chain(next(iter(found.units)))
    wrong += [_no_tier("tier", name, chain) for name in tiers if name not in chain]
    places: list[Place] = []
    before = 0
    for name in chain:
        size = _bytes(tiers[name], name, wrong) if name in tiers else found.tiers[name].capacity
        before += size
        each = measure.each if measure.unit == "objects" else 1
        places.append(Place(name, size // each, min(before // each, MOST)))
    return places


def additions(
    given: Sequence[str | int], places: Sequence[Place], measure: Measure, wrong: list[Mistake]
) -> list[Addition]:
    """Return what might be added: ``256 GiB``, ``dram=256 GiB``; add to ``wrong`` what is not right."""
    names = [place.name for place in places]
    found = []
    if given and not places:
        wrong.append(Mistake("add", "needs something to add to: a machine, or capacities"))
        return []
    for text in given:
        name, equals, size = str(text).rpartition("=")
        if equals and name.strip() not in names:
            wrong.append(_no_tier("add", name.strip(), names))
            continue
        try:
            found.append(Addition(name.strip(), capacity(size, measure)))
        except HiersimError as why:
            wrong.append(Mistake("add", why.mistakes[0].what if isinstance(why, ConfigError) else str(why)))
    return found


def _no_tier(where: str, name: str, names: Sequence[str]) -> Mistake:
    return Mistake(where, f"no tier `{name}`{nearest(name, names)} (there are {', '.join(names)})")


def _bytes(given: str | int, name: str, wrong: list[Mistake]) -> int:
    """Return a tier's capacity in bytes."""
    try:
        size = int(parse(str(given), "bytes"))
    except HiersimError as why:
        wrong.append(Mistake(f"tier {name}", why.mistakes[0].what if isinstance(why, ConfigError) else str(why)))
        return 0
    if size < 1:
        wrong.append(Mistake(f"tier {name}", f"must be more than 0, got `{given}`"))
    return size
