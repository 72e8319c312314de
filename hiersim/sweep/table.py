"""The table of a sweep: a row per point, what was set, every number of its result, and why it failed if it did."""

from __future__ import annotations

import fnmatch
import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from hiersim.errors import ConfigError
from hiersim.report.format import setting, shorten
from hiersim.report.numbers import Number, unknown
from hiersim.sweep.evaluate import Outcome
from hiersim.sweep.formulas import Formula
from hiersim.sweep.intervals import Interval
from hiersim.sweep.point import Point
from hiersim.sweep.spans import quantity
from hiersim.units import UnitError

if TYPE_CHECKING:
    import polars as pl


def plain(values: Sequence[Any]) -> list[Any]:
    """Return an axis's values as a table's column has them.

    Quantities of one dimension become numbers in its base unit (bytes, ps, bytes/s ...); lists and mappings JSON texts;
    and where the values are of several kinds, all become texts.
    """
    try:
        found = [None if value is None else quantity(value) for value in values]
        if len({each[1] for each in found if each is not None}) == 1:
            return [None if each is None else each[0] for each in found]
    except UnitError:
        pass
    texts = [json.dumps(value) if isinstance(value, dict | list) else value for value in values]
    if len({type(value) for value in texts if value is not None}) > 1:
        return [None if value is None else str(value) for value in texts]
    return texts


def inputs(points: Sequence[Point], paths: Sequence[str]) -> dict[str, list[Any]]:
    """Return the column of every path that is varied."""
    return {path: plain([point.values.get(path) for point in points]) for path in dict.fromkeys(paths)}


def with_defined(
    numbers: Mapping[str, Number], settings: Mapping[str, Any], define: Mapping[str, Formula]
) -> dict[str, Number]:
    """Return a result's numbers, and those that are defined from them and from what was set."""
    known: dict[str, Any] = {**settings, **numbers}
    found = dict(numbers)
    for name, formula in define.items() if numbers else ():
        value = formula.value(known)
        if value is not None:
            found[name] = known[name] = value
    return found


def check_names(
    define: Mapping[str, Formula], columns: Sequence[str], known: Sequence[str], wanted: Sequence[str] = ()
) -> None:
    """Check that what is asked for is there.

    Args:
        define: formulas, whose names must be known.
        columns: patterns, each of which must fit a number.
        known: numbers of a result, and what is varied.
        wanted: objectives and limits, each of which must be a number.

    Raises:
        ConfigError: a name is unknown; the message has the nearest one.
    """
    names = [*known, *define]
    wrong = [
        f"define.{key}: {unknown(name, names)}"
        for key, formula in define.items()
        for name in formula.names
        if name not in names
    ]
    wrong += [f"columns: {unknown(pattern, names)}" for pattern in columns if not fnmatch.filter(names, pattern)]
    wrong += [unknown(name, names) for name in wanted if name not in names]
    if wrong:
        raise ConfigError("; ".join(wrong))


def headings(paths: Sequence[str]) -> dict[str, str]:
    """Return a short heading for each dotted path: its last two words, or as many more as tell it from the others."""
    found: dict[str, str] = {}
    for path in paths:
        words = path.split(".")
        ends = [".".join(words[-i:]) for i in range(2, len(words) + 1)] or [path]
        others = [f".{other}" for other in paths if other != path]
        found[path] = next((end for end in ends if not any(other.endswith(f".{end}") for other in others)), path)
    return found


def setting_text(value: Any) -> str:
    """Return a value that was set as a cell of a table for people."""
    return shorten(json.dumps(value) if isinstance(value, dict | list) else setting(value), 30)


def chosen(names: Sequence[str], columns: Sequence[str]) -> list[str]:
    """Return the names that patterns choose, in the order of the patterns; all without patterns."""
    found = [name for pattern in columns for name in fnmatch.filter(names, pattern)]
    return list(dict.fromkeys(found)) if columns else list(names)


def table(
    settings: Mapping[str, Sequence[Any]], numbers: Sequence[Mapping[str, Number]], outcomes: Sequence[Outcome],
    columns: Sequence[str] = (), intervals: Sequence[Mapping[str, Interval]] = (),
) -> pl.DataFrame:  # fmt: skip
    """Return a row per point: ``point``, what was set, numbers by name, ``error`` and ``address``.

    Args:
        settings: column of each varied path.
        numbers: of each point; none for one that failed.
        outcomes: the points' outcomes.
        columns: patterns of the numbers to keep; all when empty.
        intervals: of each point, by number; they become the columns ``NAME.low`` and ``NAME.high``.
    """
    import polars as pl

    names = chosen(list(dict.fromkeys(name for row in numbers for name in row)), columns)
    series = [pl.Series("point", [outcome.index for outcome in outcomes], dtype=pl.Int64)]
    series += [pl.Series(path, list(values)) for path, values in settings.items()]
    for name in names:
        if name not in settings:
            series.append(_column(name, [row.get(name) for row in numbers]))
            if any(name in row for row in intervals):
                low, high = zip(*(row.get(name, (None, None)) for row in intervals), strict=True)
                series += [_column(f"{name}.low", low), _column(f"{name}.high", high)]
    series.append(pl.Series("error", [outcome.error or None for outcome in outcomes], dtype=pl.String))
    series.append(pl.Series("address", [outcome.address or None for outcome in outcomes], dtype=pl.String))
    return pl.DataFrame(series)


def _column(name: str, values: Sequence[Number | None]) -> pl.Series:
    """Return a column of numbers: whole ones if all are."""
    import polars as pl

    whole = all(isinstance(value, int) for value in values if value is not None)
    return pl.Series(name, values, dtype=pl.Int64 if whole else pl.Float64, strict=False)
