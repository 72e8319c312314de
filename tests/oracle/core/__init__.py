"""The naive twin of the timed core: docs/model.md in plain Python and SimPy, sharing no helper with the package.

One file per idea, each named after its section: ``hops`` and ``topology`` (1), ``slots`` (3), ``rates``,
``constraints``, ``write_cache`` and ``transfers`` (4), the ``effects_`` of devices (1, 4, 10),
``stores`` (5), ``rooms`` (6), ``calendar`` (7), ``accesses`` and ``transits`` (8), ``stalls`` (9), ``traffic`` (10),
``laws`` (11), ``prefetchers`` (12), ``agents``. ``Twin(...).run()`` returns a ``TwinOutcome``.
"""

from oracle.core.calendar import StuckError
from oracle.core.outcome import TwinOutcome
from oracle.core.twin import Twin, run

__all__ = ["StuckError", "Twin", "TwinOutcome", "run"]
