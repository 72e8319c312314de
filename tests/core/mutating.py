"""Breaking one line of a module that runs as plain Python: its functions get the code of the changed text."""

from __future__ import annotations

import contextlib
import importlib
import inspect
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

TESTS = Path(__file__).parents[1]


def run_broken(program: str, names: Sequence[str]) -> dict[str, Any]:
    """Run a program that breaks lines, by its module, with the JIT off; return what it prints of each."""
    path = os.pathsep.join([str(TESTS), str(TESTS.parent)])
    environment = os.environ | {"NUMBA_DISABLE_JIT": "1", "PYTHONPATH": path}
    command = [sys.executable, "-m", program, *names]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def shows(module: str, old: str, new: str, differs: Callable[[], bool]) -> bool:
    """Say whether two runs differ with a line broken, and do not as it is."""
    with mutated(importlib.import_module(module), old, new):
        try:
            shown = differs()
        except Exception:  # breaking down shows it, too
            shown = True
    return shown and not differs()


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
