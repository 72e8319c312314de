"""Breaking one line of a module that runs as plain Python: its functions get the code of the changed text."""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Iterator
from types import FunctionType, ModuleType
from typing import Any


@contextlib.contextmanager
def mutated(module: ModuleType, old: str, new: str) -> Iterator[None]:
    """Run the block with ``old`` replaced by ``new`` in the module's source, where it must stand exactly once."""
    source = inspect.getsource(module)
    if source.count(old) != 1:
        raise ValueError(f"{module.__name__} has {source.count(old)} times: {old}")
    changed: dict[str, Any] = {"__name__": module.__name__, "__file__": module.__file__}
    exec(compile(source.replace(old, new), str(module.__file__), "exec"), changed)
    others = dict(_functions(changed, module.__name__))
    swapped = []
    for name, function in _functions(vars(module), module.__name__):
        if function.__code__ != others[name].__code__:
            swapped.append((function, function.__code__))
            function.__code__ = others[name].__code__
    if not swapped:
        raise ValueError(f"{module.__name__}: no function changes with {old}")
    try:
        yield
    finally:
        for function, code in swapped:
            function.__code__ = code


def _functions(names: dict[str, Any], module: str) -> Iterator[tuple[str, FunctionType]]:
    """The module's own functions and the methods of its classes, by qualified name."""
    for value in list(names.values()):
        if isinstance(value, FunctionType) and value.__module__ == module:
            yield value.__qualname__, value
        elif isinstance(value, type) and value.__module__ == module:
            for member in vars(value).values():
                plain = member.fget if isinstance(member, property) else member
                if isinstance(plain, FunctionType) and plain.__module__ == module:
                    yield plain.__qualname__, plain
