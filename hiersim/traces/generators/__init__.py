"""The trace generators: one file each, one line each in ``GENERATORS``; the same seed gives the same trace."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from hiersim.errors import ConfigError, nearest
from hiersim.traces.generators import agents, chat, loop, moe_routing, phase_change, rag, requests, scan, zipf
from hiersim.traces.generators.generator import Generator, Made, described, typed
from hiersim.traces.generators.operations import OPERATIONS
from hiersim.traces.operation import OperationStream, OperationTrace

__all__ = ["GENERATORS", "Generator", "Made", "generate", "generate_one"]

GENERATORS: dict[str, Generator] = {
    "zipf": zipf.GENERATOR,
    "scan": scan.GENERATOR,
    "loop": loop.GENERATOR,
    "phase_change": phase_change.GENERATOR,
    "requests": requests.GENERATOR,
    "chat": chat.GENERATOR,
    "agents": agents.GENERATOR,
    "rag": rag.GENERATOR,
    "moe_routing": moe_routing.GENERATOR,
    **{name: replace(kind, operations=True) for name, kind in OPERATIONS.items()},
}


def generate(kind: str, *, seed: int = 0, **parameters: Any) -> Made:
    """Make a trace.

    Args:
        kind: a key of ``GENERATORS``; ``-`` may stand for ``_``.
        seed: the same seed and parameters give the same trace.
        parameters: fields of the generator's parameters; text such as ``4 KiB`` or ``30 s`` is read.

    Raises:
        ConfigError: an unknown kind or parameter, with the nearest name; a value of the wrong type or out of bounds.
    """
    return generate_one(GENERATORS, kind, seed, parameters)


def generate_one(known: Mapping[str, Generator], kind: str, seed: int, parameters: dict[str, Any]) -> Made:
    """Make a trace with one of the known generators; arguments and errors as ``generate``."""
    name = kind.replace("-", "_")
    if name not in known:
        raise ConfigError(f"unknown generator `{kind}`{nearest(name, known)} (one of {', '.join(known)})")
    if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
        raise ConfigError(f"seed must be a whole number from 0, got `{seed}`")
    chosen = typed(known[name], parameters)
    made = known[name].make(chosen, np.random.default_rng([seed, zlib.crc32(name.encode())]))
    command = " ".join(part for part in (name, described(chosen), f"seed={seed}") if part)
    notes = made.header.notes if isinstance(made, OperationTrace | OperationStream) else ()
    return made.with_about(name=name, source=command, format="generated", notes=(f"generated: {command}", *notes))
