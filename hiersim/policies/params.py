"""What a user writes behind a policy's name, ``name:param=value,param=value``, as the file's ``Params``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from hiersim import spec as spec_of
from hiersim.errors import PolicyError, nearest
from hiersim.policies.checks import describe_failure
from hiersim.policies.contract import NEVER

SWITCH = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}


def split(spec: str) -> tuple[str, dict[str, str]]:
    """Split ``name:param=value,param=value`` into the name or path and its parameters.

    Raises:
        PolicyError: a parameter is given twice.
    """
    try:
        return spec_of.split(spec)
    except ValueError as why:
        raise PolicyError(str(why)) from None


def params_of(spec: str, module: ModuleType, chosen: Mapping[str, str], called: str) -> Any:
    """Return the parameters of a policy: the file's defaults, and what was chosen in their place.

    Args:
        spec: as the user wrote it, for messages.
        module: the policy's file; ``()`` is returned where it has no ``Params``.
        chosen: values as text, by name.
        called: what a message calls one of its kind, such as ``policy``.

    Raises:
        PolicyError: there is no such parameter, or it cannot have this value.
    """
    kind, file = getattr(module, "Params", None), Path(str(module.__file__))
    if kind is None:
        if chosen:
            raise PolicyError(f"{called} `{spec}`: it has no parameters")
        return ()
    try:
        values = kind()._asdict()
    except AttributeError:
        raise PolicyError(f"{called} `{spec}`: Params must be a NamedTuple") from None
    except TypeError as why:
        raise PolicyError(f"{called} `{spec}`: each parameter in Params needs a default ({why})") from why
    for key, value in values.items():
        if not isinstance(value, int | float | str):
            raise PolicyError(
                f"{called} `{spec}`: {key} must be a number or a text in Params, got {type(value).__name__}"
            )
    for key, text in chosen.items():
        if key not in values:
            raise PolicyError(f"{called} `{spec}`: no parameter `{key}`{nearest(key, values)}")
        try:
            values[key] = _value(values[key], text)
        except ValueError as why:
            raise PolicyError(f"{called} `{spec}`: {key} must be {why}, got `{text}`") from None
    try:
        problem = getattr(module, "check_params", lambda params: "")(kind(**values))
    except Exception as why:
        raise PolicyError(describe_failure(file, why, "check_params fails: ", called)) from why
    if problem:
        raise PolicyError(f"{called} `{spec}`: {' '.join(str(problem).split())}")
    return kind(**values)


def _value(default: Any, text: str) -> Any:
    """Return a text as a value of the default's type; ValueError says what it must be."""
    if isinstance(default, bool):
        if text.lower() not in SWITCH:
            raise ValueError("true or false")
        return SWITCH[text.lower()]
    if isinstance(default, str):
        return text
    what = "a whole number" if isinstance(default, int) else "a number"
    try:
        number = type(default)(text)
    except ValueError:
        raise ValueError(what) from None
    if not abs(number) <= NEVER:  # which nan is not, either; what is larger does not fit a state's 64 bits
        raise ValueError(f"{what} from -2^62 to 2^62")
    return number
