"""An integer programme, built row by row by the names of its variables, and solved by HiGHS through SciPy."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np

from hiersim.errors import ConfigError

LARGEST = 20_000
"""Variables of a programme, at most: beyond, a solver takes hours."""


class Programme:
    """Minimises a sum over variables from 0 to a bound, subject to rows."""

    def __init__(self) -> None:
        self.numbers: dict[Hashable, int] = {}
        self._upper: list[float] = []
        self._whole: list[int] = []
        self._cost: list[float] = []
        self._rows: list[tuple[Mapping[Hashable, float], float, float]] = []

    def variable(self, name: Hashable, cost: float = 0.0, upper: float = 1.0, whole: bool = True) -> None:
        """Add a variable: from 0 to ``upper``, at a cost, a whole number or not."""
        self.numbers[name] = len(self.numbers)
        self._upper.append(upper)
        self._whole.append(int(whole))
        self._cost.append(cost)

    def row(self, terms: Mapping[Any, float], low: float = -np.inf, high: float = np.inf) -> None:
        """Demand that a sum lies between two bounds."""
        self._rows.append((terms, low, high))

    def solve(self, seconds: float) -> tuple[Mapping[Hashable, float], bool]:
        """Return the values of the best solution found, and whether it is proven to be best.

        Raises:
            ConfigError: there are too many variables, or nothing was found in the time.
        """
        from scipy.optimize import Bounds, LinearConstraint, milp
        from scipy.sparse import csr_array

        if len(self.numbers) > LARGEST:
            raise ConfigError(f"the optimum is for small graphs: {len(self.numbers):,} variables, at most {LARGEST:,}")
        entries = [(row, self.numbers[name], value) for row, (terms, _, _) in enumerate(self._rows)
                   for name, value in terms.items()]  # fmt: skip
        rows, columns, values = (np.array(each) for each in zip(*entries, strict=True))
        table = csr_array((values.astype(float), (rows, columns)), shape=(len(self._rows), len(self.numbers)))
        found = milp(
            np.array(self._cost),
            integrality=np.array(self._whole),
            bounds=Bounds(0.0, np.array(self._upper)),
            constraints=LinearConstraint(table, *(np.array([row[i] for row in self._rows]) for i in (1, 2))),
            options={"time_limit": seconds, "mip_rel_gap": 0.0},
        )
        if found.x is None:
            raise ConfigError(f"the optimum was not found in {seconds:g} s: {found.message}")
        return {name: float(found.x[number]) for name, number in self.numbers.items()}, found.status == 0
