"""Generated operations of AI systems: a file and a line of ``OF_MODELS`` each, beside the generators of traces."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Mapping
from typing import Any

from hiersim.traces.generators import GENERATORS as OF_TRACES
from hiersim.traces.generators import Generator, Made, generate_one
from hiersim.workloads import composition, expert_offload, flexgen, sparse_flash, table_lookup, weight_streaming

__all__ = ["GENERATORS", "generate"]

OF_MODELS: dict[str, Generator] = {
    "flexgen": flexgen.GENERATOR,
    "weight_streaming": weight_streaming.GENERATOR,
    "sparse_flash": sparse_flash.GENERATOR,
    "expert_offload": expert_offload.GENERATOR,
    "composition": composition.GENERATOR,
    "table_lookup": table_lookup.GENERATOR,
}
"""Those that are made here, most of them from the shapes of a model of the catalogue."""

GENERATORS: Mapping[str, Generator] = ChainMap(OF_MODELS, OF_TRACES)
"""All: a generator that is added to those of traces is known here, too."""


def generate(kind: str, *, seed: int = 0, **parameters: Any) -> Made:
    """Make a trace of accesses, of requests or of operations.

    Args:
        kind: a key of ``GENERATORS``; ``-`` may stand for ``_``.
        seed: the same seed and parameters give the same trace.
        parameters: fields of the generator's parameters; text such as ``4 KiB`` or ``30 s`` is read.

    Raises:
        ConfigError: an unknown kind or parameter, with the nearest name; a value of the wrong type or out of bounds.
    """
    return generate_one(GENERATORS, kind, seed, parameters)
