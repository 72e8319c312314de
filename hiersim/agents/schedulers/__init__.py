"""Schedulers: who computes how many tokens in a step, decided in Python. One file each; a user's own by its path.

A scheduler's file has ``Params``, a NamedTuple with defaults, and ``schedule(step, params)``, called before each step
of a unit. ``step`` is a ``Step`` of ``hiersim.drivers.serve.deciding``.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from hiersim.agents import chosen
from hiersim.errors import ConfigError, HiersimError

SCHEDULERS = {"fcfs": "hiersim.agents.schedulers.fcfs"}
"""Name -> module."""


def make_scheduler(kind: str, params: Mapping[str, Any] | None = None) -> Callable[[Any], None]:
    """Return the function ``scheduler(step)`` of a kind.

    Args:
        kind: a name of ``SCHEDULERS``, or the path of a Python file.
        params: the scheduler's parameters by name; the others have their defaults.

    Raises:
        ConfigError: no such scheduler, or no such parameter; later, what goes wrong in it.
    """
    module, known = chosen("scheduler", kind, SCHEDULERS, "schedule", params or {})

    def scheduler(step: Any) -> None:
        try:
            module.schedule(step, known)
        except HiersimError:
            raise
        except Exception as why:
            frames = traceback.extract_tb(why.__traceback__)[::-1]
            lines = [frame.lineno for frame in frames if Path(frame.filename).name == Path(kind).name]
            where = f"{kind}:{lines[0]}" if lines else kind
            raise ConfigError(f"serve.scheduler: {where}: {type(why).__name__}: {why}") from why

    return scheduler
