"""The I/O complexity of attention: traffic over on-chip memory, in the regimes above and below d^2 elements."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from hiersim.studies.claim import Finding, Study, figure, seen
from hiersim.studies.operated import chip, moved, operations, run
from hiersim.traces.generators.attention.bound import least_words
from hiersim.traces.operation import OperationStream, OperationTrace

TOKENS, FEWER, HEAD_DIM = 512, 192, 64
LARGE = [HEAD_DIM**2 * 4 * 2**i for i in range(4)]
"""Elements on chip, from four times d^2."""
SMALL = [3 * side * side for side in (8, 16, 32)]
"""Elements on chip, below d^2: three square tiles of a product."""
ELEMENT = 2


def words(kind: str, elements: int, tokens: int) -> tuple[int, int]:
    """Return the words that a head moves on the machine, and how many its on-chip memory has to hold."""
    given: dict[str, Any] = {"tokens": tokens, "head_dim": HEAD_DIM, "sram": elements * ELEMENT}
    trace = operations(kind, **given)
    room = room_bytes(trace)
    on = chip({"part": "a100-smem", "capacity": f"{room} B"}, "a100-40g-hbm2", "a100-sxm-gpu")
    return moved(run(on, trace)) // ELEMENT, room // ELEMENT


def room_bytes(trace: OperationTrace | OperationStream) -> int:
    """Return the on-chip bytes that a tile loop says it needs."""
    note = next(note for note in trace.header.notes if note.startswith("needs"))
    return int(note.split()[1].replace(",", ""))


def slope(sizes: Sequence[int], traffic: Sequence[float]) -> tuple[float, float]:
    """Return the slope and the height of the line through traffic over sizes, both as logarithms."""
    fitted = np.polyfit(np.log(sizes), np.log(traffic), 1)
    return float(fitted[0]), float(fitted[1])


def run_study() -> Sequence[Finding]:
    """Simulate both regimes."""
    n, few, d = TOKENS, FEWER, HEAD_DIM
    flash = [words("flash_attention_2", m, n) for m in LARGE]
    product = [words("standard_attention", m, few) for m in SMALL]
    large = slope(LARGE, [(each - 2 * n * d) / n**2 for each, _ in flash])
    small = slope(SMALL, [(each - 4 * few**2 - few * d) / few**2 for each, _ in product])
    meet = float(np.exp((small[1] - large[1]) / (large[0] - small[0])) / d**2)
    worst = [each / least_words(n, n, d, room) for each, room in flash]
    worst += [each / least_words(few, few, d, room) for each, room in product]
    less, more = (words(kind, SMALL[0], few // 2)[0] for kind in ("standard_attention", "flash_attention_2"))
    below = more / less
    return [
        figure("slope-above", -1.0, large[0], 0.02, f"{_told(LARGE, n)}, FlashAttention-2; {ONCE} 2 N d words."),
        figure(
            "slope-below", -0.5, small[0], 0.05, f"{_told(SMALL, few)}, products in square tiles; {ONCE} 4 N^2 + N d."
        ),
        figure("meet-at-d2", 1.0, meet, 1.0, MEET),
        seen(
            "near-the-bound",
            "no schedule moves less",
            f"{min(worst):.3g} to {max(worst):.3g} times",
            min(worst) >= 1,
            LEAST,
        ),
        seen(
            "better-below",
            "FlashAttention is not optimal for M < d^2",
            f"{below:.3g} times a product",
            below > 1,
            BELOW,
        ),
    ]


def _told(sizes: Sequence[int], tokens: int) -> str:
    return (
        f"Traffic of a head, N = {tokens}, d = {HEAD_DIM}, with {', '.join(f'{m:,}' for m in sizes)} elements on chip"
    )


ONCE = "as logarithms, without what is moved once:"
MEET = (
    "Where the lines of the two regimes meet, in d^2 elements. The law leaves constants out, which depend on how many "
    "tiles share the memory, so a factor of two is allowed."
)
LEAST = (
    "Words moved over a lower bound with its constants, the law's own argument by phases of M words "
    "(`hiersim.traces.generators.attention.bound`), at all these sizes. The memory counted is all that a loop needs, "
    "with scores, and with what is on its way out."
)
BELOW = (
    f"Words moved by FlashAttention-2 over those of products in square tiles, with {SMALL[0]:,} elements on chip, N = "
    f"{FEWER // 2}."
)

STUDY = Study(
    name="attention-io",
    title="The I/O Complexity of Attention, or How Optimal is Flash Attention?",
    family="attention-dataflow",
    grade="A",
    source="Saha, Ye. ICML 2024, arXiv 2402.07443",
    memory=(
        "Words that cross between a cache and slow memory for exact attention: N^2 d^2 / M for M of d^2 or more, "
        "which FlashAttention reaches, and N^2 d / sqrt(M), as a matrix product, for less. Generators "
        "`flash_attention_2` and `standard_attention`."
    ),
    not_ours="Nothing of the claims but the proofs.",
    run=run_study,
)
