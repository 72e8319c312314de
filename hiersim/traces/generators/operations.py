"""The generators of operation traces: one file each, one line each in ``OPERATIONS``."""

from __future__ import annotations

import zlib
from typing import Any

import numpy as np

from hiersim.errors import ConfigError, nearest
from hiersim.traces.generators.attention import block_sparse, cascades, chunked, flash1, flash2, relay, standard
from hiersim.traces.generators.generator import Generator, described, typed
from hiersim.traces.operation import OperationStream, OperationTrace

OPERATIONS: dict[str, Generator] = {
    "standard_attention": standard.GENERATOR,
    "flash_attention": flash1.GENERATOR,
    "flash_attention_2": flash2.GENERATOR,
    "block_sparse_attention": block_sparse.GENERATOR,
    "chunked_attention": chunked.GENERATOR,
    "relay_attention": relay.GENERATOR,
    "attention_passes": cascades.GENERATOR,
}


def generate_operations(kind: str, *, seed: int = 0, **parameters: Any) -> OperationTrace | OperationStream:
    """Make a trace of operations.

    Args:
        kind: a key of ``OPERATIONS``; ``-`` may stand for ``_``.
        seed: of what is drawn, where anything is.
        parameters: fields of the generator's parameters; text such as ``192 KiB`` is read.

    Raises:
        ConfigError: an unknown kind or parameter, with the nearest name; a value of the wrong type or out of bounds.
    """
    name = kind.replace("-", "_")
    if name not in OPERATIONS:
        raise ConfigError(f"unknown generator `{kind}`{nearest(name, OPERATIONS)} (one of {', '.join(OPERATIONS)})")
    if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
        raise ConfigError(f"seed must be a whole number from 0, got `{seed}`")
    chosen = typed(OPERATIONS[name], parameters)
    made = OPERATIONS[name].make(chosen, np.random.default_rng([seed, zlib.crc32(name.encode())]))
    command = " ".join(part for part in (name, described(chosen), f"seed={seed}") if part)
    notes = (f"generated: {command}", *made.header.notes)
    return made.with_about(name=name, source=command, format="generated", notes=notes)  # type: ignore[no-any-return]
