"""Each function of a user's policy, checked alone: the first mistake as one line that points into the user's file."""

# mypy: disallow-untyped-calls=false
from __future__ import annotations

import inspect
import re
import traceback
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import FunctionType
from typing import TYPE_CHECKING, Any

import numba
import numpy as np
from numba.core.errors import NumbaError

from hiersim import jit
from hiersim.errors import PolicyError, nearest

if TYPE_CHECKING:
    from hiersim.policies.family import Family
    from hiersim.policies.loader import Policy


PREDICTED = ("next_use", "discard", "phase")
"""What a policy may take predictions of."""


def check(policy: Policy) -> None:
    """Raise PolicyError for the first function that is missing, takes the wrong arguments or does not compile."""
    file = Path(str(policy.module.__file__))
    _check_shape(file, policy)
    sample = policy.family.sample
    if policy.needs_parents:  # each object extends the one before
        sample = sample._replace(parents=np.arange(-1, sample.objects - 1, dtype=np.int32))
    state = policy.init(sample)
    if not jit.DISABLED:
        for name, hook in policy.hooks.items():
            _check_compiles(file, policy.family, name, hook, numba.typeof(state))


def made(policy: Policy, setup: Any) -> Any:
    """Return the state that ``init`` of a user's file makes.

    Raises:
        PolicyError: it fails, or makes something else.
    """
    file = Path(str(policy.module.__file__))
    try:
        state = policy.module.init(setup)
    except Exception as why:
        raise PolicyError(describe_failure(file, why, "init fails: ", policy.family.kind)) from why
    _check_state(f"{policy.family.kind} `{file.name}`", _line_of(file, "init"), state)
    return state


def largest(policy: Policy, setup: Any) -> int:
    """Return what ``largest`` of a user's file says.

    Raises:
        PolicyError: it fails, or returns no number of bytes.
    """
    file = Path(str(policy.module.__file__))
    try:
        limit = policy.module.largest(setup)
    except Exception as why:
        raise PolicyError(describe_failure(file, why, "largest fails: ", policy.family.kind)) from why
    if not isinstance(limit, int | np.integer):
        what = f"largest returns {type(limit).__name__}, expected bytes (an integer)"
        raise PolicyError(f"{policy.family.kind} `{file.name}`: {what}{_line_of(file, 'largest')}")
    return int(limit)


def describe_failure(file: Path, why: BaseException, what: str = "", kind: str = "policy") -> str:
    """Say in one line what went wrong, and in which line of ``file``."""
    if isinstance(why, SyntaxError):
        return f"{kind} `{file.name}`: {what}{why.msg} (line {why.lineno})"
    lines = [frame.lineno for frame in traceback.extract_tb(why.__traceback__) if Path(frame.filename) == file]
    where = f" (line {lines[-1]})" if lines else ""
    said = " ".join(str(why).split())
    return f"{kind} `{file.name}`: {what}{type(why).__name__}{': ' * bool(said)}{said}{where}"


def _check_shape(file: Path, policy: Policy) -> None:
    family, who = policy.family, f"{policy.family.kind} `{file.name}`"
    if policy.predicts and (policy.predicts not in PREDICTED or not policy.needs_future):
        what = f"PREDICTS is one of {', '.join(PREDICTED)}, and needs NEEDS_FUTURE = True; got {policy.predicts!r}"
        hint = nearest(policy.predicts, PREDICTED) if policy.predicts not in PREDICTED else ""
        raise PolicyError(f"{who}: {what}{hint}")
    for name, expected in (("init", ("setup",)), *family.hooks.items()):
        wanted = f"({', '.join(expected)})"
        function = getattr(policy.module, name, None)
        if function is None and name in family.optional:
            continue
        if function is None:
            raise PolicyError(f"{who}: no {name}{wanted}")
        if not _is_plain(function, file):
            raise PolicyError(
                f"{who}: {name} must be a plain function of this file, without a decorator{_line_of(file, name)}"
            )
        given = inspect.signature(function).parameters
        if len(given) != len(expected) or any(each.kind is not each.POSITIONAL_OR_KEYWORD for each in given.values()):
            raise PolicyError(
                f"{who}: {name} takes {inspect.signature(function)}, expected {wanted}{_line_of(file, name)}"
            )


def _is_plain(function: Any, file: Path) -> bool:
    """Tell whether this is what ``def`` in the file made, and not what a decorator put in its place."""
    plain = isinstance(function, FunctionType) and not hasattr(function, "__wrapped__")
    return plain and Path(function.__code__.co_filename) == file and function.__closure__ is None


def failure_in(policy: Policy, calls: Iterable[tuple[str, Sequence[Any]]]) -> str:
    """Make the calls that led to a failure of a user's compiled policy again, as plain Python, which knows its lines.

    Args:
        policy: the policy.
        calls: functions with their arguments; ``...`` stands for what the call before returned.

    Returns:
        What fails and where, in one line; empty if nothing fails this time.
    """
    file, before = Path(str(policy.module.__file__)), None
    for name, given in calls:
        function = getattr(policy.module, name, None)
        try:
            if function is not None:
                before = function(*(before if each is ... else each for each in given))
        except Exception as why:
            return describe_failure(file, why, f"{name} fails: ", policy.family.kind)
    return ""


def line_of(policy: Policy, name: str) -> str:
    """Say in which line of a user's policy a function is defined, in brackets."""
    return _line_of(Path(str(policy.module.__file__)), name)


def _line_of(file: Path, name: str) -> str:
    """Say in which line of a file a name is defined first, if it is."""
    for number, line in enumerate(file.read_text(errors="replace").splitlines(), 1):
        if re.match(rf"(def\s+{name}\b|{name}\s*=)", line):
            return f" (line {number})"
    return ""


def _check_state(who: str, line: str, state: Any) -> None:
    if not isinstance(state, tuple) or not hasattr(state, "_fields"):
        raise PolicyError(f"{who}: init returns {type(state).__name__}, expected a NamedTuple of arrays{line}")
    for name, array in zip(state._fields, state, strict=True):
        if not isinstance(array, np.ndarray) or array.ndim != 1 or not array.flags.c_contiguous:
            raise PolicyError(
                f"{who}: the state's `{name}` must be a one-dimensional array; "
                f"a single number is an array of length 1{line}"
            )
        if array.dtype.kind not in "iufb":
            raise PolicyError(f"{who}: the state's `{name}` holds {array.dtype}, expected numbers{line}")


def _check_compiles(file: Path, family: Family, name: str, hook: Any, state: Any) -> None:
    who = f"{family.kind} `{file.name}`"
    kinds = {"state": state} | {argument: numba.typeof(value) for argument, value in family.arguments.items()}
    try:
        hook.compile(tuple(kinds[argument] for argument in family.hooks[name]))
    except Exception as why:
        said = _one_line(str(why), file, hook.py_func.__code__.co_firstlineno)
        said = f"{type(why).__name__}: {said}" if not isinstance(why, NumbaError) else said
        raise PolicyError(f"{who}: {name} does not compile: {said}") from None
    returns, line = hook.nopython_signatures[-1].return_type, _line_of(file, name)
    if name in family.results and not isinstance(returns, numba.types.Integer):
        raise PolicyError(
            f"{who}: {name} returns {str(returns)[:40]}, expected {family.results[name]} (an integer){line}"
        )
    if name in family.answers and not isinstance(returns, numba.types.Boolean):
        raise PolicyError(f"{who}: {name} returns {str(returns)[:40]}, expected True or False{line}")


def _one_line(message: str, file: Path, start: int) -> str:
    """Pick the sentence that says what is wrong out of Numba's page, and the last line of ``file`` that it names.

    Where it names none but quotes a name, that is the first line with this name from ``start`` on.
    """
    plain = [line.strip() for line in re.sub(r"\x1b\[[0-9;]*m", "", message).splitlines() if line.strip()]
    noise = ("Failed in", "During:", "File ", "This error may", "<source", "- Resolution", "There are", "To see")
    telling = [line for line in plain if not line.startswith(noise)]
    places = re.findall(rf"{re.escape(file.name)}\W*,? line (\d+)|{re.escape(file.name)} \((\d+)\)", message)
    numbers = [int(a or b) for a, b in places]
    said = telling[0] if telling else "Numba rejects it"
    if "NRT required" in said or "array_allocate" in said:
        said = "it makes a new array or list, which only init may do"
    unknown = re.search(r"(?:name|attribute) '(\w+)'", said)
    if not numbers and unknown:
        lines = file.read_text(errors="replace").splitlines()
        numbers = [
            number for number, line in enumerate(lines, 1) if number >= start and re.search(rf"\b{unknown[1]}\b", line)
        ][:1]
    return said + (f" (line {numbers[-1]})" if numbers else "")
