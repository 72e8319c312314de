"""A what-if as lines for a terminal: a row per resource that matters, and the names of those that do not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hiersim.insight.knobs import Knob, dimension
from hiersim.insight.study import SURE
from hiersim.report.format import count, duration, joules, percent, plural
from hiersim.report.numbers import shown
from hiersim.units import show

if TYPE_CHECKING:
    from hiersim.insight.effect import Effect
    from hiersim.insight.whatif import WhatIf

SHOWN = 0.001
"""Resources that change every measure by less than this share have no row."""


def headline(found: WhatIf) -> str:
    """Return what was run, its measures, and how many runs that took."""
    base = found.base
    time = "" if found.number == "elapsed_ps" else f"{found.number} "
    told = [found.name, f"{time}{shown(found.number, base['time'])}", f"stalled {duration(base['stalls'])}"]
    told += [joules(base["energy"])] if base.get("energy") else []
    told += [f"{base['cost']:.3g} {found.cheapest.currency} a run"] if found.cheapest else []
    return " · ".join([*told, plural(found.runs, "run")])


def lines(found: WhatIf) -> list[dict[str, str]]:
    """Return a mapping per resource that matters: what it is now, its slope, and what is saved when twice as good."""
    names = [name for name in ("time", "stalls", "energy", "cost") if found.base.get(name)]
    rows = []
    for effect in found.effects:
        if matters(found, effect):
            first = {"resource": effect.knob.name, "now": figures_of(effect.knob)}
            slope = {"slope": _percent(effect.slope.get("time"))} if effect.slope else {}
            rows.append(first | slope | {name: _saved(found, effect, name) for name in names})
    return rows


def matters(found: WhatIf, effect: Effect) -> bool:
    """Return whether a resource changes any measure by a tenth of a per cent, and by more than runs jitter."""
    slopes = [value for value in effect.slope.values() if value is not None and abs(value) >= SHOWN]
    return bool(slopes) or any(_told(found, name, value) for name, value in effect.doubled.items())


def _told(found: WhatIf, name: str, share: float | None) -> bool:
    return share is not None and abs(share) >= max(SHOWN, SURE * found.jitter.get(name, 0.0))


def _saved(found: WhatIf, effect: Effect, name: str) -> str:
    share = effect.doubled.get(name)
    return "~" if name in found.jitter and share is not None and not _told(found, name, share) else _percent(share)


def captions(found: WhatIf) -> list[str]:
    """Return what the columns mean, and which resources have no row."""
    told = ["slope: per cent of the time saved by each per cent by which the resource is better;"]
    told += ["time, stalls ...: saved when it is twice as good (a latency half as long)"]
    if found.jitter:
        told.append(
            f"~: lost in the jitter; runs that hardly differ differ by {percent(found.jitter['time'])} of the time"
        )
    still = [effect.knob.name for effect in found.effects if not matters(found, effect) and not effect.error]
    return [*told, f"{plural(len(still), 'resource')} without effect: {', '.join(still)}"] if still else told


def figures_of(knob: Knob) -> str:
    """Return the values of a resource's figures, each once, as people read them."""
    return " / ".join(dict.fromkeys(_shown(path, value) for path, value in knob.figures.items()))


def valued(knob: Knob, factor: float = 1.0) -> str:
    """Return the largest figure of a resource, so many times as good, as people read it."""
    path = max(knob.figures, key=lambda each: knob.figures[each])
    return _shown(path, knob.value if factor == 1 else knob.turned(factor)[path])


def _shown(path: str, value: float) -> str:
    kind = dimension(path)
    if kind == "count":
        return count(round(value))
    return show(value, kind, binary=True) if kind == "bytes" else show(value, kind)


def _percent(share: float | None) -> str:
    """Return a share saved in percent, with a minus where it is lost; ``~`` where that is not known."""
    if share is None:
        return "~"
    return "0%" if abs(share) < SHOWN / 2 else f"{100 * share:.1f}%"
