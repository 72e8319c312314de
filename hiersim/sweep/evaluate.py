"""Runs one point, wherever a worker is: from the store if it is there, else simulated and stored."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from hiersim.api.simulation import Simulation
from hiersim.config import Scenario
from hiersim.errors import ConfigError, HiersimError, LawError
from hiersim.report.json import to_json
from hiersim.report.numbers import Number, numbers
from hiersim.sweep.address import address, trace_key
from hiersim.sweep.point import Base, Point
from hiersim.sweep.store import Store

TRACES = 4
"""Traces that a worker keeps; points that follow each other mostly share one."""
_traces: OrderedDict[str, Any] = OrderedDict()

How = Literal["computed", "kept"]


@dataclass(frozen=True)
class Job:
    """What all points of a sweep share.

    Attributes:
        base: their scenario.
        folder: where results are kept.
        carry: whether a worker hands the whole document back, for it may not see the folder that the sweep uses.
    """

    base: Base
    folder: str
    carry: bool = False


@dataclass(frozen=True)
class Outcome:
    """What became of a point.

    Attributes:
        index: its place in the table.
        address: where its result is kept; empty if its scenario is wrong.
        how: whether it was computed now, or ``kept`` from before.
        numbers: of its result, by dotted name; empty if it failed.
        error: why it failed, in one line.
        note: what is odd about the stored result, such as that it was damaged; mostly empty.
        document: what to store, if the worker was asked to hand it back.
    """

    index: int
    address: str
    how: How
    numbers: dict[str, Number] = field(default_factory=dict)
    error: str = ""
    note: str = ""
    document: dict[str, Any] | None = None


def evaluate(job: Job, point: Point) -> Outcome:
    """Return a point's outcome; a failure is one too."""
    try:
        scenario = job.base.scenario(point)
        trace = _trace(scenario)
        where = address(scenario, trace.fingerprint())
    except Exception as why:
        return Outcome(point.index, "", "computed", error=one_line(why))
    store = Store(Path(job.folder))
    found = store.read(where)
    document, how, note = found.document, "kept", ""
    if document is None:
        document, how = _computed(scenario, trace), "computed"
        unkept = store.write(where, document) if document.get("keep", True) else ""
        note = "; ".join(filter(None, (found.note and f"kept result {found.note}; it was computed again", unkept)))
    return Outcome(
        point.index,
        where,
        how,  # type: ignore[arg-type]
        numbers(document.get("result", {})),
        document.get("error", ""),
        note,
        document if job.carry else None,
    )


def _computed(scenario: Scenario, trace: Any) -> dict[str, Any]:
    """Return the document of a run; that of a failure says whether it would fail again in the same way."""
    try:
        result = Simulation(scenario).run(trace=trace)
    except Exception as why:
        lasting = isinstance(why, HiersimError) and not isinstance(why, LawError)
        return {"error": one_line(why)} | ({} if lasting else {"keep": False})
    return {"result": to_json(result, deterministic=True)}


def _trace(scenario: Scenario) -> Any:
    """Return a scenario's trace, which this process opens once."""
    key = trace_key(scenario)
    if key not in _traces:
        while len(_traces) >= TRACES:
            _traces.popitem(last=False)
        _traces[key] = Simulation(scenario).trace()
    _traces.move_to_end(key)
    return _traces[key]


def one_line(why: Exception) -> str:
    """Return what went wrong in one line; mistakes without their files, which differ from computer to computer."""
    if isinstance(why, ConfigError):
        return "; ".join(": ".join(filter(None, (mistake.where, mistake.what))) for mistake in why.mistakes)
    text = " ".join(str(why).split())
    return text if isinstance(why, HiersimError) and text else f"{type(why).__name__}: {text}".rstrip(": ")
