"""Turns the errors of a validation into mistakes: one line each, with the path of the key and what is allowed there."""

from __future__ import annotations

import types
import typing
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from hiersim.errors import nearest
from hiersim.machine.record import Problem, Record

R = TypeVar("R", bound=Record)


def problems_of(error: ValidationError, model: Any) -> list[Problem]:
    """Return what a validation found, as (path, message) pairs in the order of the keys.

    Args:
        error: what pydantic raised.
        model: the model or annotation that was validated against; it knows the valid names.
    """
    return [problem for detail in error.errors(include_url=False) for problem in _problems(detail, model)]


def _problems(detail: ErrorDetails, model: Any) -> list[Problem]:
    path = tuple(step for step in detail["loc"] if step != "[key]")
    if detail["type"] == "problems":
        return [((*path, *below), what) for below, what in detail["ctx"]["problems"]]
    return [(path, _message(detail, path, model))]


def _message(detail: ErrorDetails, path: tuple[str | int, ...], model: Any) -> str:
    kind, given, context = detail["type"], _shown(detail["input"]), detail.get("ctx", {})
    if kind == "extra_forbidden":
        return f"unknown key{nearest(str(path[-1]), keys_at(model, path[:-1]))}" + _allowed(model, path)
    if kind == "missing":
        return "entry is missing" if isinstance(path[-1], int) else "required key is missing"
    if kind == "value_error":
        return str(context["error"])
    if kind == "literal_error":
        choices = [choice.strip("'") for choice in context["expected"].replace(" or ", ", ").split(", ")]
        return f"{given} is not one of {', '.join(choices)}{nearest(str(detail['input']), choices)}"
    if kind == "string_pattern_mismatch":
        return f"{given} is not a name; names have lower-case letters, digits, `_` and `-`"
    if kind in ("dict_type", "model_type", "model_attributes_type"):
        return f"expected a mapping of keys to values, not {given}"
    if kind in ("too_short", "too_long"):
        bound = context.get("max_length", context.get("min_length"))
        most = "most" if kind == "too_long" else "least"
        return f"expected at {most} {bound} entries, not {context['actual_length']}"
    if kind in ("list_type", "tuple_type"):
        return f"expected a list, not {given}"
    expected = _EXPECTED.get(kind)
    if expected:
        return f"expected {expected.format(**context)}, not {given}"
    return f"{detail['msg'][0].lower()}{detail['msg'][1:]}, not {given}"


_EXPECTED = {
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "int_parsing": "a whole number",
    "float_type": "a number",
    "finite_number": "a finite number",
    "bool_type": "true or false",
    "string_type": "a text",
    "greater_than": "more than {gt}",
    "greater_than_equal": "at least {ge}",
    "less_than": "less than {lt}",
    "less_than_equal": "at most {le}",
    "string_too_short": "a text that is not empty",
    "string_too_long": "at most {max_length} characters",
}


def _shown(value: object) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, dict | list | tuple | BaseModel):
        return "a list" if isinstance(value, list | tuple) else "a mapping"
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return f"`{text if len(text) <= 40 else text[:37] + '...'}`"


def _allowed(model: Any, path: tuple[str | int, ...]) -> str:
    """List the valid keys where no valid name is near."""
    keys = keys_at(model, path[:-1])
    return "" if nearest(str(path[-1]), keys) or not keys else f"; allowed are {', '.join(keys)}"


def keys_at(model: Any, path: tuple[str | int, ...]) -> list[str]:
    """Return the keys that a model allows at a path, or none where any key or no key is allowed."""
    for step in path:
        model = _step(model, step)
    record = _record(model)
    return list(record.model_fields) if record else []


def _step(annotation: Any, step: str | int) -> Any:
    record = _record(annotation)
    if record:
        field = record.model_fields.get(str(step))
        return field.annotation if field else None
    for option in _options(annotation):
        arguments = typing.get_args(option)
        if typing.get_origin(option) in (dict, list, tuple) and arguments:
            return arguments[-1]
    return None


def _record(annotation: Any) -> type[BaseModel] | None:
    for option in _options(annotation):
        if isinstance(option, type) and issubclass(option, BaseModel):
            return option
    return None


def _options(annotation: Any) -> list[Any]:
    """Return the alternatives of an annotation: unions taken apart, ``Annotated`` taken off."""
    origin = typing.get_origin(annotation)
    if origin is typing.Annotated:
        return _options(typing.get_args(annotation)[0])
    if origin in (typing.Union, types.UnionType):
        return [option for argument in typing.get_args(annotation) for option in _options(argument)]
    return [annotation]


def validated(model: type[R], data: object, context: dict[str, Any] | None = None) -> tuple[R | None, list[Problem]]:
    """Return a record made from data, or ``None`` and what is wrong with the data.

    Args:
        model: the record's class.
        data: what it is made from.
        context: ``units.FROM_TEXT`` where quantities need their units.
    """
    try:
        return model.model_validate(data, context=context), []
    except ValidationError as error:
        return None, problems_of(error, model)
    except RecursionError:
        return None, [((), "is nested too deeply")]
