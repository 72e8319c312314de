"""A scenario as the YAML that reads as exactly it: whole, with every figure's unit and source, without defaults."""

from __future__ import annotations

from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

import yaml

from hiersim.config.load import scenario_of
from hiersim.config.scenario import Scenario
from hiersim.config.window import Window
from hiersim.errors import ConfigError
from hiersim.machine.record import Record, Sourced
from hiersim.units import DIMENSIONS, Quantity, exact

WIDTH = 120


def scenario_text(scenario: Scenario) -> str:
    """Return YAML from which ``load`` reads an equal scenario; paths are as the scenario has them."""
    return yaml.dump(_record(scenario), sort_keys=False, width=WIDTH, allow_unicode=True, Dumper=_Dumper)


def read_text(text: str) -> Scenario:
    """Return the scenario that ``scenario_text`` has written.

    Raises:
        ConfigError: it is no scenario.
    """
    try:
        data = yaml.safe_load(text)
    except yaml.YAMLError as why:
        raise ConfigError(f"is no YAML: {str(why).splitlines()[0]}") from None
    if not isinstance(data, dict):
        raise ConfigError("is no scenario: expected a mapping of keys to values")
    return scenario_of(data)


class _Dumper(yaml.SafeDumper):
    """Writes small mappings in one line, so that a figure stands beside its source."""

    def represent_mapping(self, tag: str, mapping: Any, flow_style: bool | None = None) -> yaml.MappingNode:
        node = super().represent_mapping(tag, mapping, flow_style)
        plain = all(isinstance(value, str | int | float | bool | type(None)) for value in mapping.values())
        node.flow_style = bool((plain and len(mapping) <= 3) or not mapping)
        return node


def _record(record: Record) -> dict[str, Any]:
    """Return a record's fields that are not their defaults; a figure that has a source with it."""
    kind = type(record)
    sources = record.provenance if isinstance(record, Sourced) else {}
    found: dict[str, Any] = {}
    for name, field in kind.model_fields.items():
        value = getattr(record, name)
        if name == "provenance" and isinstance(record, Sourced):
            continue
        if not field.is_required() and value == field.get_default(call_default_factory=True) and name not in sources:
            continue
        found[name] = _value(value, field.rebuild_annotation())
        if name in sources and not isinstance(value, Record):
            origin = sources[name]
            said: dict[str, Any] = {"source": origin.source, "confidence": origin.confidence}
            said |= {"range": list(origin.range)} if origin.range is not None else {}
            found[name] = {"value": found[name], **said}
    rest = {name: origin.model_dump() for name, origin in sources.items() if isinstance(getattr(record, name), Record)}
    return found | ({"provenance": rest} if rest else {})


def _value(value: Any, annotation: Any) -> Any:
    """Return a value as plain data; a quantity as a text with its unit."""
    if isinstance(value, Record):
        return _record(value)
    if value is None or isinstance(value, bool | str):
        return value
    if annotation == Window:
        return "..".join(exact(time, "time") for time in value)
    if isinstance(value, dict):
        below = _below(annotation, dict)
        return {key: _value(item, below) for key, item in value.items()}
    if isinstance(value, list | tuple):
        below = _below(annotation, type(value))
        return [_value(item, below) for item in value]
    quantity = _quantity(annotation)
    if quantity is None or DIMENSIONS[quantity.dimension].bare or value == 0:
        return value
    return exact(value, quantity.dimension)


def _options(annotation: Any) -> tuple[Any, ...]:
    """Return what a type may be: the members of a union, else itself."""
    return get_args(annotation) if get_origin(annotation) in (Union, UnionType) else (annotation,)


def _below(annotation: Any, kind: type) -> Any:
    """Return the type of the members of a mapping or list."""
    found = [option for option in _options(annotation) if get_origin(option) is kind]
    arguments = get_args(found[0]) if found else ()
    return arguments[1 if kind is dict else 0] if arguments else Any


def _quantity(annotation: Any) -> Quantity | None:
    """Return what a number measures, if its type says so."""
    for option in _options(annotation):
        if get_origin(option) is Annotated:
            marks = [mark for mark in option.__metadata__ if isinstance(mark, Quantity)]
            inner = marks[0] if marks else _quantity(option.__origin__)
            if inner is not None:
                return inner
    return None
