"""Max-min fair rates of flows over devices that turn around or bind smoothly, in fractions: what must hold is asked of
the reads and writes themselves, by halving, not of the twin's accounts.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from oracle.core.hops import Bound, Hop


@dataclass(frozen=True)
class Turns:
    """A medium whose accounts are reads and writes, which turns around: R + W + t min(R, W) <= 1."""

    t: float
    others: tuple[float, float]  # what others always read and write

    def sum(self, accounts: list[Fraction]) -> Fraction:
        return sum(accounts) + Fraction(self.t) * min(accounts)

    def bounds(self, first: int) -> list[Bound]:
        r, w = self.others
        turned = 1.0 + self.t
        budgets = {"bandwidth": 1.0 - (r + turned * w), "turnaround": 1.0 - (turned * r + w)}
        return _bounds(first, budgets, turnaround=self.t)

    def costs(self, shares: tuple[float, ...]) -> tuple[float, ...]:
        r, w = shares
        return r + (1.0 + self.t) * w, (1.0 + self.t) * r + w


@dataclass(frozen=True)
class Norm:
    """A device whose accounts are its bandwidth, its operations and its dies: their p-norm is at most 1."""

    p: int
    others: tuple[float, float, float]

    def sum(self, accounts: list[Fraction]) -> Fraction:
        return sum(account**self.p for account in accounts)

    def bounds(self, first: int) -> list[Bound]:
        budgets = {"bandwidth": 1.0 - self.others[0], "operations": 1.0, "dies": 1.0}
        return _bounds(first, budgets, sharpness=self.p)

    def costs(self, shares: tuple[float, ...]) -> tuple[float, ...]:
        return shares


Device = Turns | Norm
Flows = list[tuple[int, dict[int, tuple[float, ...]]]]  # class, and shares of a byte per account by device
FULL = 1 - Fraction(1, 10**9)  # the specification's: so little is rounding


def _bounds(first: int, budgets: dict[str, float], **effects: float) -> list[Bound]:
    hop = Hop(first, f"h{first}", 1, None, "fifo", **effects)
    hop.bounds = [Bound(first + i, hop, kind, left) for i, (kind, left) in enumerate(budgets.items())]
    return hop.bounds


def fill_devices(devices: list[Device], flows: Flows) -> list[Fraction]:
    """Raise all open flows of a class together; freeze those on devices that are full."""
    accounts = [[Fraction(share) for share in device.others] for device in devices]
    rates = [Fraction(0)] * len(flows)
    for c in (0, 1, 2):
        rising = {i for i, (traffic_class, _) in enumerate(flows) if traffic_class == c}
        while rising:
            speeds = [[Fraction(0)] * len(device.others) for device in devices]
            for i in rising:
                for d, costs in flows[i][1].items():
                    speeds[d] = [speed + Fraction(cost) for speed, cost in zip(speeds[d], costs, strict=True)]
            steps = {d: farthest(devices[d], accounts[d], speeds[d]) for d in range(len(devices)) if any(speeds[d])}
            step = min(steps.values())
            accounts = [moved(accounts[d], speeds[d], step) for d in range(len(devices))]
            for i in rising:
                rates[i] += step
            full = {d for d in steps if steps[d] == step}
            rising -= {i for i in rising if full & flows[i][1].keys()}
    return rates


def farthest(device: Device, accounts: list[Fraction], speeds: list[Fraction]) -> Fraction:
    """How far a device lets its accounts move, by halving: every cost is at least 0.3, so 4 is too far."""
    low, high = Fraction(0), Fraction(4)
    if device.sum(accounts) >= FULL:
        return low
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if device.sum(moved(accounts, speeds, middle)) <= 1 else (low, middle)
    return low


def moved(accounts: list[Fraction], speeds: list[Fraction], step: Fraction) -> list[Fraction]:
    return [account + step * speed for account, speed in zip(accounts, speeds, strict=True)]
