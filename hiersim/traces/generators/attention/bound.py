"""How few words attention can move: a lower bound for every schedule of its products, whatever the on-chip memory.

After Saha and Ye: The I/O Complexity of Attention, arXiv 2402.07443, whose asymptotic result is N^2 d^2 / M words for
M >= d^2, and N^2 d / sqrt(M), as of a matrix product, for less. With constants: cut what is moved into phases of M
words. In a phase at most 2 M words of Q and K are at hand, those there at first and those that come. Scores that are
made from their first product to their last within it have whole rows of d words at hand, (2M / 2d)^2 of them at most,
so M^2 / d products. Of the other scores a partial sum crosses an end of the phase, in memory or on its way, of which
there are at most 4 M less the words of Q and K; with 2 M of these their products are at most sqrt(M M 2M) (Loomis and
Whitney). So a phase makes at most M^2 / d + sqrt(2) M^1.5 of the N^2 d products. It holds for schedules that add up
each score by itself from its products, as all here do.
"""

from __future__ import annotations

from math import ceil, sqrt


def least_words(queries: int, keys: int, head_dim: int, words: int) -> int:
    """Return the words that a head moves at least.

    Args:
        queries: of the head.
        keys: of the head.
        head_dim: elements of each.
        words: elements that the on-chip memory holds.
    """
    a_phase = words * words / head_dim + sqrt(2.0) * words * sqrt(words)
    phases = ceil(queries * keys * head_dim / a_phase)
    inputs_and_outputs = 2 * (queries + keys) * head_dim
    return max(inputs_and_outputs, words * (phases - 1))
