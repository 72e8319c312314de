"""What every part of a machine's description shares: frozen fields, no unknown keys, and where each figure is from."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, model_validator
from pydantic_core import PydanticCustomError

from hiersim.units import Quantity, UnitError, quantity_in

Confidence = Literal["measured", "simulated", "datasheet", "vendor", "estimate"]
"""How far a figure can be trusted, from a published measurement down to an estimate of its class."""

Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]*$", max_length=64)]
"""A tier, link or unit name: lower-case letters, digits, ``_`` and ``-``."""

Problem = tuple[tuple[str | int, ...], str]
"""One thing that is wrong: the path of the key below the record, and what is wrong there."""


def problems_error(problems: list[Problem]) -> PydanticCustomError:
    """Return one validation error that carries several problems, each with the path of its key."""
    lines = [": ".join(filter(None, (".".join(map(str, path)), what))) for path, what in problems]
    return PydanticCustomError("problems", "{lines}", {"lines": "; ".join(lines), "problems": problems})


def ends_of(stated: tuple[Any, Any], quantity: Quantity | None, written: bool = False) -> tuple[float, float]:
    """Return the ends of a figure's range in the base unit of its quantity.

    Args:
        stated: the ends as they stand in a description.
        quantity: what the figure is; ``None`` for a plain number.
        written: a number without a unit is wrong where the quantity has one.

    Raises:
        UnitError: an end is no such quantity, or no number.
    """
    if quantity is not None:
        return quantity.read(stated[0], written), quantity.read(stated[1], written)
    for end in stated:
        if isinstance(end, bool) or not isinstance(end, int | float):
            raise UnitError(f"expected two numbers, not `{end}`")
    return stated


class Record(BaseModel):
    """A frozen description whose unknown keys are errors; the text below each field describes it in the schema."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Provenance(Record):
    """Where a figure is from."""

    source: str
    """The document, measurement or reasoning behind the figure."""
    confidence: Confidence
    """How far it can be trusted."""
    range: Annotated[tuple[Any, Any] | None, Field(strict=False)] = None
    """Between what the figure may lie, ``[40 us, 60 us]``; absent: as its confidence says where one is needed."""


class Sourced(Record):
    """A group of figures that may carry their provenance.

    A figure is written plainly (``capacity: 80 GiB``) or with its provenance
    (``capacity: {value: 80 GiB, source: ..., confidence: datasheet}``).
    """

    provenance: dict[str, Provenance] = {}
    """Source and confidence by field name."""

    @model_validator(mode="before")
    @classmethod
    def _take_provenance_out(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        plain: dict[Any, Any] = dict(data)
        taken = {}
        for key, figure in data.items():
            if isinstance(figure, dict) and "value" in figure:
                plain[key] = figure["value"]
                taken[key] = {k: v for k, v in figure.items() if k != "value"}
        stated = data.get("provenance", {})
        return plain | ({"provenance": stated | taken} if isinstance(stated, dict) else {})

    @model_validator(mode="after")
    def _check_provenance(self, info: ValidationInfo) -> Sourced:
        unknown = [key for key in self.provenance if key not in type(self).model_fields]
        if unknown:
            raise problems_error([(("provenance", key), "is not a field of this part") for key in unknown])
        written = bool((info.context or {}).get("from_text"))
        problems = [problem for key in self.provenance for problem in self._range_problems(key, written)]
        if problems:
            raise problems_error(problems)
        return self

    def _range_problems(self, key: str, written: bool) -> list[Problem]:
        """Return what is wrong with a figure's range: no such quantity, or, as it was written, not around the value."""
        stated = self.provenance[key].range
        if stated is None:
            return []
        info, value = type(self).model_fields[key], getattr(self, key)
        try:
            low, high = ends_of(stated, quantity_in(info.annotation, info.metadata), written)
        except UnitError as why:
            return [((key, "range"), str(why))]
        values = value.values() if isinstance(value, dict) else [value]
        if low > high or (written and not all(low <= each <= high for each in values)):
            return [((key, "range"), f"{stated[0]} to {stated[1]} does not hold the value")]
        return []

    def origins(self) -> dict[str, Provenance]:
        """Return source and confidence by the dotted path of the figure, such as ``nand.dies``; groups included."""
        groups = {key: value for key, value in self if isinstance(value, Sourced)}
        below = {f"{key}.{path}": origin for key, group in groups.items() for path, origin in group.origins().items()}
        return self.provenance | below

    def estimates(self) -> list[str]:
        """Return the dotted paths of the figures that are estimates."""
        return [path for path, origin in self.origins().items() if origin.confidence == "estimate"]


class Part(Sourced):
    """A part of a machine: a tier, a link or a unit."""

    part: str | None = None
    """The catalogue part that the figures come from."""
