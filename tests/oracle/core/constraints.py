"""Section 4: what must hold of the bounds of a hop together, and how far it lets rates be raised."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from oracle.core.hops import Bound

Amounts = dict[Bound, float]
SMOOTH = ("bandwidth", "operations", "dies")  # what a sharpness joins


class Alone:
    """A bound of its own."""

    def __init__(self, bounds: list[Bound]) -> None:
        self.bounds = bounds

    def level(self, load: Amounts, room: Amounts) -> tuple[float, Bound] | None:
        """How far the open groups may be raised and what stops them; none if none of them is here."""
        (k,) = self.bounds
        return (room[k] / load[k], k) if load[k] > 0 else None


class Either(Alone):
    """The two accounts of a medium that turns around: one of them must hold."""

    def level(self, load: Amounts, room: Amounts) -> tuple[float, Bound] | None:
        one, two = self.bounds
        if load[one] <= 0:
            return None
        return max(0.0, max(room[one] / load[one], room[two] / load[two])), one


class Together:
    """Bounds whose accounts have a p-norm of at most 1; it starts from the level that the other constraints allow."""

    def __init__(self, bounds: list[Bound]) -> None:
        self.bounds = bounds

    def level(self, load: Amounts, room: Amounts, residual: Amounts, given: float) -> tuple[float, Bound] | None:
        with_load = [k for k in self.bounds if load[k] > 0]
        if not with_load:
            return None
        filled = [1.0 - residual[k] for k in self.bounds]
        loads = [load[k] for k in self.bounds]
        level = self._level(min(given, *(room[k] / load[k] for k in with_load)), filled, loads)
        if level < given and all(level * f <= 1e-9 for f in loads):
            level = 0.0  # no more than rounding
        return level, max(with_load, key=lambda k: 1.0 - residual[k] + level * load[k])  # max takes the first of equals

    def _level(self, level: float, filled: list[float], loads: list[float]) -> float:
        p = self.bounds[0].hop.sharpness
        for _ in range(60):
            reached = [x + level * f for x, f in zip(filled, loads, strict=True)]
            s = _total(_power(x, p) for x in reached)
            if s <= 1.0:
                break
            d = _total(float(p) * f * _power(x, p - 1) for x, f in zip(reached, loads, strict=True))
            step = (s - 1.0) / d
            if not level - step < level:
                break
            before, level = level, level - step
            if step <= 1e-7 * before:
                break
        return level


def constraints_of(bounds: Sequence[Bound]) -> tuple[list[Alone], list[Together]]:
    """All constraints, each in the place of the first of its bounds; the groups on that one are its groups."""
    single: list[Alone] = []
    smooth: list[Together] = []
    for bound in bounds:
        hop, kind = bound.hop, bound.kind
        joined = [k for k in hop.bounds if k.kind in SMOOTH] if hop.sharpness is not None else []
        if hop.turnaround is not None and kind in ("bandwidth", "turnaround"):
            if kind == "bandwidth":
                single.append(Either([bound, hop.bound("turnaround")]))
        elif kind in SMOOTH and len(joined) > 1:
            if kind == "bandwidth":
                smooth.append(Together(joined))
        else:
            single.append(Alone([bound]))
    return single, smooth


def _power(x: float, p: int) -> float:
    product = 1.0
    for _ in range(p):
        product *= max(0.0, x)
    return product


def _total(terms: Iterable[float]) -> float:
    """The sum, term by term: from Python 3.12 on ``sum`` makes up for rounding, which would be another order."""
    total = 0.0
    for term in terms:
        total += term
    return total
