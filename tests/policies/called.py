"""Calling from Python what only compiled code calls."""

from functools import cache

from hiersim import jit


@cache
def from_python(function):
    """Return a function that Python can call and that does nothing else than call a ``hot`` one."""
    if jit.DISABLED:
        return function

    def call(*arguments):
        return function(*arguments)

    return jit.specialised(call, f"called[{function.__module__}.{function.__name__}]", keep=False)
