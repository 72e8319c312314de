"""Where a curve of hit rates over the size of a cache has its knee, by several common rules."""

from __future__ import annotations

import numpy as np

AXIS = 4  # active experts at which the curves of SCH end in Liang et al., arXiv 2505.16056, figure 8


def knee(hits: np.ndarray, active: int) -> float:
    """Return the cache size, in active experts, at which the curve is farthest above its chord.

    Args:
        hits: hit rate by experts in the cache, from 1 to all; the curve begins at an empty cache, as the authors' do.
        active: experts that a token uses.
    """
    return float(np.argmax(above_chord(hits)) / active)


def above_chord(hits: np.ndarray) -> np.ndarray:
    """Return how far the curve, from an empty cache on, is above the line to its end, float64[experts + 1]."""
    curve = np.concatenate([[0.0], hits])
    return np.asarray(curve - curve[-1] * np.arange(len(curve)) / len(hits))


def by_other_rules(hits: np.ndarray, active: int) -> dict[str, float]:
    """Return where other common rules see the knee, in active experts, and how bent the curve is.

    They are: ``figure``, as ``knee`` but over the paper's axis; ``log``, over the logarithm of the size, from one
    expert on; ``half``, the groups of active experts before the first that adds less than half of what the first did.
    ``bend`` is the largest distance above the chord over the paper's axis, as a share of the curve's end there.
    """
    shown, ends = hits[: AXIS * active], hits[active - 1 :: active]
    small = np.flatnonzero(np.diff(ends, prepend=0.0) < ends[0] / 2)
    over_log = np.log(np.arange(1, len(hits) + 1)) / np.log(len(hits))
    return {
        "figure": knee(shown, active),
        "log": float((1 + np.argmax((hits - hits[0]) / (hits[-1] - hits[0]) - over_log)) / active),
        "half": float(small[0] if len(small) else len(ends)),
        "bend": float(above_chord(shown).max() / shown[-1]),
    }
