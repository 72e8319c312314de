"""What a cache's capacity means: bytes where sizes differ, objects where they are equal or ignored, or a share."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction

from hiersim.errors import ConfigError, Mistake
from hiersim.traces.access import AccessTrace
from hiersim.traces.spool import Spool
from hiersim.units import exact, parse

MOST = 2**62
"""The largest number that a capacity may be."""


@dataclass(frozen=True)
class Measure:
    """How the capacities of a replay are counted.

    Attributes:
        unit: ``bytes`` or ``objects``.
        footprint: of the whole trace, in that unit.
        least: the smallest object, in that unit.
        each: bytes of an object where all are equal; 1 where nothing is known of sizes.
        ignored: sizes were asked to be ignored.
    """

    unit: str
    footprint: int
    least: int
    each: int = 1
    ignored: bool = False


def measure_of(trace: AccessTrace | Spool, ignore_size: bool) -> Measure:
    """Return how capacities are counted for a trace."""
    least, most = int(trace.size.min()), int(trace.size.max())
    if ignore_size or least == most:
        return Measure("objects", trace.objects, 1, 1 if ignore_size else least, ignore_size)
    return Measure("bytes", trace.footprint, least)


def capacities(given: int | str | Sequence[int | str], measure: Measure, wrong: list[Mistake]) -> list[int]:
    """Return capacities in the measure's unit (bytes or objects), in order; add to ``wrong`` what is not one."""
    values = list(given) if isinstance(given, Iterable) and not isinstance(given, str) else [given]
    texts = [part for value in values for part in (value.split(",") if isinstance(value, str) else [value])]
    found = []
    for text in texts:
        try:
            found.append(capacity(text, measure))
        except ConfigError as why:
            wrong.append(Mistake("capacity", why.mistakes[0].what))
    if not texts:
        wrong.append(Mistake("capacity", "names no capacity"))
    return list(dict.fromkeys(found))


def capacity(given: int | str, measure: Measure) -> int:
    """Return one capacity in the measure's unit (bytes or objects).

    Raises:
        ConfigError: it is not a capacity, or no object would fit.
    """
    text = str(given).strip()
    if text.endswith("%"):
        size = _share(text, measure)
    elif re.fullmatch(r"[+-]?[\d_]+", text):
        size = int(text) if len(text) < 30 else MOST + 1
    elif re.search(r"\d\s*[A-Za-z]+$", text):
        size = _of_bytes(text, measure)
    else:
        raise ConfigError(f"`{text[:40]}` is not a capacity; expected such as `1000`, `4 GiB` or `10%`")
    if size < 1:
        raise ConfigError(f"must be at least 1, got `{text}`")
    if size > MOST:
        raise ConfigError(f"`{text[:40]}` is out of range; a capacity is at most 2^62")
    if size < measure.least:
        small = exact(measure.least, "bytes")
        raise ConfigError(f"`{text}` is {exact(size, 'bytes')}, less than the smallest object ({small})")
    return size


def _share(text: str, measure: Measure) -> int:
    try:
        share = Fraction(text[:-1].strip()) / 100
    except (ValueError, ZeroDivisionError):
        raise ConfigError(f"`{text[:40]}` is not a share; expected such as `10%`") from None
    if not 0 < share <= 1:
        raise ConfigError(f"`{text[:40]}` is not a share of the footprint; expected more than 0% and at most 100%")
    size = int(measure.footprint * share)
    if size < 1:
        raise ConfigError(f"`{text}` of a footprint of {measure.footprint:,} ({measure.unit}) is less than 1")
    return size


def _of_bytes(text: str, measure: Measure) -> int:
    size = int(parse(text, "bytes"))
    if measure.unit == "bytes":
        return size
    if measure.ignored:
        raise ConfigError(f"`{text}` is in bytes, but sizes are ignored; give a number of objects, or a share")
    if measure.each == 1:
        raise ConfigError(
            f"`{text}` is in bytes, but the trace has no sizes; name a model, or give a number of objects"
        )
    if size and size < measure.each:
        raise ConfigError(f"`{text}` is less than one object ({exact(measure.each, 'bytes')})")
    return size // measure.each
