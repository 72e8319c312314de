"""The sections of a scenario beside its machine and rules: the trace, agents, and what to write."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from hiersim.config.window import Window
from hiersim.machine.record import Record
from hiersim.machine.unit import DType
from hiersim.units import Picoseconds, PositiveBytes

Positive = Annotated[int, Field(ge=1)]
Factor = Annotated[float, Field(ge=1e-6, le=1e6)]


class Generate(Record):
    """A trace made by a generator of the package."""

    kind: str
    """The generator's name."""
    params: dict[str, Any] = {}
    """Its parameters by name."""


class TraceSection(Record):
    """Which trace to use and how to read it; a plain text is its path."""

    path: str | None = None
    """The file, relative to the file that names it."""
    generate: Generate | None = None
    """Or how to make one."""
    format: str | None = None
    """The file's format; recognised by its content when absent."""
    model: str | None = None
    """The AI model that gives prefix blocks their bytes and their compute."""
    kv_dtype: DType = "bf16"
    """The number format of the KV cache."""
    limit: Positive | None = None
    """Records to read; all when absent."""
    ignore_size: bool = False
    """Every object has the same size, ``block_bytes`` or 1 byte."""
    block_bytes: PositiveBytes | None = None
    """Bytes of an object where the source has no sizes."""
    ignore_time: bool = False
    """What the source says of time is not looked at."""
    time_unit: Literal["s", "ms", "us", "ns", "ps"] = "s"
    """Unit of a time column whose name does not say it."""
    columns: dict[str, str | int] = {}
    """Role -> the source's column name or number, where the names are unusual."""
    object_class: str = "page"
    """Class of the objects where the source names none."""
    block_tokens: Positive = 512
    """Tokens in a prefix block, where the source does not say."""
    rate_scale: Factor = 1.0
    """So many times as many records a second."""
    length_scale: Factor = 1.0
    """Prompts and answers so many times as long, of requests."""
    arrivals: str | None = None
    """Arrivals of requests drawn anew: ``poisson:rate=4`` (a second), ``gamma:rate=4,cv=2``, weibull or constant."""

    @model_validator(mode="before")
    @classmethod
    def _from_path(cls, data: Any) -> Any:
        return {"path": data} if isinstance(data, str) else data

    @model_validator(mode="after")
    def _one_source(self) -> TraceSection:
        if (self.path is None) == (self.generate is None):
            raise ValueError("needs either `path`, a trace's file, or `generate`, how to make one")
        return self

    def read_options(self) -> dict[str, Any]:
        """Return how to read the file, as keyword arguments of the trace readers."""
        names = [
            "limit",
            "ignore_size",
            "block_bytes",
            "ignore_time",
            "time_unit",
            "columns",
            "object_class",
            "block_tokens",
            "rate_scale",
            "length_scale",
            "arrivals",
        ]
        return {name: getattr(self, name) for name in names}


class AgentSpec(Record):
    """A process that decides something during the run."""

    kind: str
    """The agent's name, or the path of a Python file."""
    params: dict[str, Any] = {}
    """Its parameters by name."""


class Outputs(Record):
    """What a run records beside its summary."""

    timeline: bool = False
    """Every transfer and stall with its times; Perfetto opens them."""
    timeline_window: Window | None = None
    """The part of the run that a timeline keeps, such as ``1 ms..2 ms``; all when absent."""
    timeline_shortest: Picoseconds | None = None
    """Events shorter than this are folded into others in the file for Perfetto; chosen by their number when absent."""
