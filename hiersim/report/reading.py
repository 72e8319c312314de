"""A result that was written, read back: from the folder of a run, or from its JSON alone."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from polars.exceptions import PolarsError

from hiersim.engine.result import LinkResult, PrefetchResult, Result, Stall, TierResult, UnitResult
from hiersim.errors import ConfigError, Mistake
from hiersim.machine import Machine
from hiersim.report.json import SCHEMA
from hiersim.report.known import Intervals, intervals_in
from hiersim.report.outputs import RESULT, SCENARIO
from hiersim.report.reading_operations import read_operations
from hiersim.report.reading_requests import read_requests
from hiersim.report.reading_tables import read_accesses, read_timeline

NAME, VERSION = SCHEMA.rsplit("/", 1)
RENAMED = {
    "read_bytes": "read_bytes_by_class",
    "written_bytes": "written_bytes_by_class",
    "forward_bytes": "forward_bytes_by_class",
    "backward_bytes": "backward_bytes_by_class",
}
"""Fields of a part that are called otherwise in JSON."""
P = TypeVar("P", TierResult, LinkResult, UnitResult, PrefetchResult, Stall)


@dataclass(frozen=True)
class Saved:
    """A result that was read.

    Attributes:
        path: the JSON that it was read from.
        result: the result; without the tables of its folder it has no latencies of single accesses, and no timeline.
        document: the JSON itself.
        scenario: what was run, as YAML; empty where the folder does not have it.
    """

    path: Path
    result: Result
    document: dict[str, Any]
    scenario: str = ""

    @property
    def empty(self) -> bool:
        """Whether nothing was replayed, so that there is nothing to show."""
        return not self.result.elapsed_ps

    @property
    def intervals(self) -> Intervals:
        """Between what ends the run's numbers are known to lie, by name; none where no machines were drawn."""
        return intervals_in(self.document)


def read_result(path: Path | str) -> Saved:
    """Read what ``write_all`` or ``write_json`` has written.

    Args:
        path: a run's folder, or a ``result.json``.

    Raises:
        ConfigError: it is no result, of a schema that is not known, or damaged; one line says what and where.
    """
    path = Path(path)
    file = path / RESULT if path.is_dir() else path
    document = _document(file)
    folder = file.parent
    try:
        result = _result(document, folder)
    except _MissingError as why:
        raise _mistake(file, str(why.args[0]), "is missing or of the wrong type: the file is damaged") from None
    except PolarsError as why:
        raise _mistake(folder, "tables", f"is damaged ({why}); run the scenario again") from why
    except (KeyError, TypeError, ValueError, AttributeError) as why:
        raise _mistake(file, "", f"the file is damaged ({type(why).__name__}: {why})") from why
    text = folder / SCENARIO
    return Saved(file, result, document, text.read_text(encoding="utf-8") if text.is_file() else "")


def machine_of(saved: Saved) -> Machine | None:
    """Return the machine of a run that was kept, or ``None`` where its scenario is not there or does not read."""
    from hiersim.config.text import read_text

    with contextlib.suppress(ConfigError):
        return read_text(saved.scenario).machine if saved.scenario else None
    return None


class _MissingError(Exception):
    """A key is missing, or holds something else; the argument is its dotted path."""


def _mistake(file: Path, where: str, what: str) -> ConfigError:
    return ConfigError([Mistake(where, what, file=str(file))])


def _document(file: Path) -> dict[str, Any]:
    """Return the JSON of a result, of this version of its schema."""
    try:
        document = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        inside = file.name == RESULT and file.parent.is_dir()
        what = f"has no {RESULT}" if inside else "is not there"
        raise _mistake(file.parent if inside else file, "", f"{what}; `hiersim run --out` makes one") from None
    except (UnicodeDecodeError, json.JSONDecodeError) as why:
        what = f"is not JSON ({str(why).partition(':')[0]}); expected the {RESULT} of a run"
        raise _mistake(file, "", what) from None
    schema = str(document.get("schema", "")) if isinstance(document, dict) else ""
    if not schema.startswith(f"{NAME}/"):
        says = f"says `schema: {schema}`, not" if schema else "does not say"
        raise _mistake(file, "", f"is not the {RESULT} of a run: it {says} `schema: {SCHEMA}`")
    if schema != SCHEMA:
        version = schema.rpartition("/")[2]
        newer = version.isdecimal() and int(version) > int(VERSION)
        what = "was written by a newer hiersim" if newer else "is of a schema that is read no more"
        cure = "update hiersim" if newer else "run the scenario again"
        raise _mistake(file, "schema", f"`{schema}` {what}; this one reads {SCHEMA}: {cure}")
    found: dict[str, Any] = document
    return found


def _result(document: dict[str, Any], folder: Path) -> Result:
    tiers = {name: _tier(each, f"tiers.{name}") for name, each in _group(document, "tiers").items()}
    latency, served = read_accesses(folder, tuple(tiers))
    energy = {name: _number(value) for name, value in _group(document, "energy_j").items() if name != "total"}
    seconds = document.get("seconds")
    return Result(
        name=str(document["name"]),
        machine=str(document["machine"]),
        elapsed_ps=_whole(document, "elapsed_ps"),
        seconds=float(seconds) if isinstance(seconds, int | float) else 0.0,
        accesses=_whole(document, "accesses"),
        created=_whole(document, "created"),
        created_bytes=_whole(document, "created_bytes"),
        tiers=tiers,
        links={name: _link(each, f"links.{name}") for name, each in _group(document, "links").items()},
        units={name: _unit(each, f"units.{name}") for name, each in _group(document, "units").items()},
        latency_ps=latency,
        served_by=served,
        energy_j=energy,
        provenance=dict(_group(document, "provenance")),
        timeline=read_timeline(folder, document.get("timeline")),
        operations=read_operations(document.get("operations")),
        requests=read_requests(folder, document.get("requests"), tuple(tiers)),
    )


def _tier(found: Mapping[str, Any], path: str) -> TierResult:
    prefetch = found.get("prefetch")
    made = None if prefetch is None else _part(PrefetchResult, prefetch, f"{path}.prefetch", {})
    return _part(TierResult, found, path, {"prefetch": made})


def _link(found: Mapping[str, Any], path: str) -> LinkResult:
    return _part(LinkResult, found, path, {"between": tuple(found["between"])})


def _unit(found: Mapping[str, Any], path: str) -> UnitResult:
    stalls = tuple(_part(Stall, each, f"{path}.stall_details", {}) for each in found["stall_details"])
    return _part(UnitResult, found, path, {"stalls": stalls})


def _part(kind: type[P], found: Mapping[str, Any], path: str, made: Mapping[str, Any]) -> P:
    """Return a part of a result; fields that came later than the file have their defaults."""
    values = dict(made)
    for field in fields(kind):
        key = RENAMED.get(field.name, field.name)
        if field.name in made:
            continue
        if key in found:
            values[field.name] = _checked(found[key], str(field.type), f"{path}.{key}")
        elif field.default is MISSING:
            raise _MissingError(f"{path}.{key}")
    return kind(**values)


def _checked(value: Any, kind: str, path: str) -> Any:
    """Return a value of JSON as a field's type has it: null is what is not finite."""
    allowed: dict[str, Any] = {"int": int, "str": str, "float": (int, float, type(None)), "ByClass": dict}
    if kind in allowed and (not isinstance(value, allowed[kind]) or isinstance(value, bool)):
        raise _MissingError(path)
    return _number(value) if kind == "float" else value


def _number(value: Any) -> float:
    return float("nan") if value is None else float(value)


def _group(document: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    if not isinstance(document.get(key), dict):
        raise _MissingError(key)
    group: Mapping[str, Any] = document[key]
    return group


def _whole(document: Mapping[str, Any], key: str) -> int:
    if not isinstance(document.get(key), int):
        raise _MissingError(key)
    return int(np.int64(document[key]))
