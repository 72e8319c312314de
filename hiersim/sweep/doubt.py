"""How far a figure without a range of its own may be from the truth: a class default per confidence, with its reason.

A default is a factor f: the truth is taken to lie between value / f and value x f, half of the chances on either side.
"""

from __future__ import annotations

from typing import NamedTuple

RATES = ("bytes/s", "ops/s", "FLOP/s", "share")
"""Dimensions of figures that are rates, or shares of rates."""


class Doubt(NamedTuple):
    """A class default.

    Attributes:
        rate: the factor of bandwidths, operation rates, FLOP/s and efficiencies.
        other: the factor of latencies, energies, powers, counts and parameters of fits.
        reason: where both come from.
    """

    rate: float
    other: float
    reason: str


CLASSES = {
    "measured": Doubt(
        1.05,
        1.05,
        "fits to measured curves miss points that they have not seen by 2.7% in the mean at most, and the formula of "
        "loaded latency keeps within 5% of seven measured curves (docs/devices.md)",
    ),
    "simulated": Doubt(
        1.12,
        1.12,
        "two cycle simulators of one DDR4-3200 channel differ by 5.4% in the mean and by up to 12.3% (docs/devices.md)",
    ),
    "datasheet": Doubt(
        1.02,
        1.02,
        "copies between GPUs and host memory were measured within 1.6% of what the link's data sheet and its packets "
        "give (docs/devices.md)",
    ),
    "vendor": Doubt(
        1.11,
        1.11,
        "one drive was measured 10.8% away from what follows from its vendor's figures, another 0.2% (FireCuda 530 and "
        "P4800X in docs/devices.md)",
    ),
    "estimate": Doubt(
        1.26,
        1.8,
        "rates: measured memory systems stop at 0.73 to 0.92 of their peak, 1.26 apart (Mess data set and MLC logs); "
        "others: 9 of 10 latencies in the catalogue that are no estimates lie within a factor of 1.8 of the median of "
        "their kind",
    ),
}
"""The class defaults by confidence."""


def factor(confidence: str, dimension: str) -> float:
    """Return the factor of a figure's class default; dimensions are keys of ``units.DIMENSIONS``."""
    doubt = CLASSES[confidence]
    return doubt.rate if dimension in RATES else doubt.other
