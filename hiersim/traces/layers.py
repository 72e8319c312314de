"""Which layer of a model each object of a trace belongs to, as its id says."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from hiersim.traces.access import AccessTrace

NAMES = r"(?:^|[._/:-])(?:layers?|blocks?|h)[._/:-]?(\d+)(?![0-9])"
"""``model.layers.7.mlp``, ``layer_7/attn``, ``blocks.7``, ``h.7.attn``: the names of common checkpoints."""


def layers_of(trace: AccessTrace) -> NDArray[np.int32]:
    """Return int32[objects]: the number that stands in an object's id after `layer`, `block` or `h`; -1 for none."""
    layers = np.full(trace.objects, -1, np.int32)
    if trace.original_id.dtype.kind in "iu":
        return layers
    pattern = re.compile(NAMES)
    for number, name in enumerate(trace.original_id.tolist()):
        found = pattern.search(str(name))
        if found:
            layers[number] = int(found[1])
    return layers
