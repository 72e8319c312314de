"""A what-if in words: what binds, what binds next, what would help; every number is one that was simulated."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from hiersim.report.format import percent

if TYPE_CHECKING:
    from hiersim.insight.whatif import WhatIf

MENTIONED = 3
"""Resources that the line after a run names."""


def sentences(found: WhatIf) -> list[str]:
    """Return what a what-if says, a sentence each."""
    of = "the time" if found.number == "elapsed_ps" else f"`{found.number}`"
    told = [_binds(found, of), *_next(found)]
    failed = [f"{effect.knob.name} could not be turned: {effect.error}." for effect in found.effects if effect.error]
    cheapest = [] if found.cheapest is None else found.cheapest.sentences()
    return [*told, *cheapest, *failed]


def _binds(found: WhatIf, of: str) -> str:
    if found.together:
        names = listed([knob.name for knob in found.together])
        return f"No resource binds alone: {names} bind together; all that is twice as good saves {_all(found)} of {of}."
    if not found.binding:
        every = "" if found.all_doubled is None else f"; all of it twice as good saves {_all(found)} of {of}"
        return f"No resource of the machine binds{every}."
    first = found.binding[0]
    if len(found.binding) > 1:
        names = listed([effect.knob.name for effect in found.binding])
        return f"{names} bind alike: each of them twice as good saves {percent(first.saves)} of {of}."
    limit = f"; all of the machine twice as good saves {_all(found)}" if first.knob.given else ""
    return f"{first.knob.name} binds: {first.knob.verb} it saves {percent(first.saves)} of {of}{limit}."


def _all(found: WhatIf) -> str:
    return percent(max(0.0, found.all_doubled or 0.0))


def _next(found: WhatIf) -> list[str]:
    from hiersim.insight.whatif import LITTLE

    if not found.following:
        return []
    then = found.following[0]
    if then.saves < LITTLE:
        return ["When that is done no single resource saves 1% of what is left."]
    verb = f"{then.knob.verb} it saves {percent(then.saves)} of what is left"
    if any(then.knob is effect.knob for effect in found.binding):
        return [f"When that is done {then.knob.name} still binds: {verb.replace('it', 'it again')}."]
    return [f"When that is done {then.knob.name} binds: {verb}."]


def next_line(found: WhatIf) -> str:
    """Return the line after a run: what would save most, as ``halving flash latency would save 14% of the time``."""
    from hiersim.insight.whatif import LITTLE

    most = [effect for effect in found.effects if effect.saves >= LITTLE and not effect.knob.given][:MENTIONED]
    if not most:
        return "no single resource of the machine, twice as good, would save 1% of the time"
    first, *others = [f"{effect.knob.verb} {effect.knob.name}" for effect in most]
    told = [f"{first} would save {percent(most[0].saves)} of the time"]
    return "; ".join(told + [f"{what} {percent(effect.saves)}" for what, effect in zip(others, most[1:], strict=True)])


def listed(names: Sequence[str]) -> str:
    """Return names as a sentence lists them: ``a, b and c``."""
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))
