"""What queries see: how many tokens of context, and how many distinct ones are read, in full and in windowed layers.

Plain arithmetic on numbers or arrays; compiled code may wrap the functions with ``hiersim.jit.hot``.
"""

from __future__ import annotations

from typing import Any

import numpy as np

UNLIMITED = 2**62
"""The window of a layer that sees the whole context."""


def keys_seen(start: Any, tokens: Any, window: Any = UNLIMITED) -> Any:
    """Return the tokens seen by ``tokens`` new ones after ``start`` earlier ones, summed over the new ones.

    New token k, from 1, sees itself and what is before it, the last ``window`` at most.
    """
    growing = np.minimum(np.maximum(window - start, 0), tokens)
    return growing * start + growing * (growing + 1) // 2 + (tokens - growing) * np.minimum(window, start + tokens)


def keys_read(start: Any, tokens: Any, window: Any = UNLIMITED) -> Any:
    """Return the distinct tokens, old and new, that ``tokens`` new ones after ``start`` earlier ones see."""
    return tokens + np.minimum(start, window - 1)


def experts_touched(experts: Any, active: Any, tokens: Any) -> Any:
    """Return the expected number of distinct experts that ``tokens`` tokens use, each ``active`` of ``experts``.

    Every choice is equally likely and tokens choose independently: E (1 - (1 - k/E)^n). Real routers are less even,
    so this is an upper bound of the expectation.
    """
    return experts * (1 - (1 - active / experts) ** tokens)
