"""Many runs of one scenario: grids and lists of values, on all cores or on a cluster, each point kept by its content.

``sweep`` is imported on use: ``from hiersim import sweep``.
"""

from hiersim.sweep.files import Sweep, load
from hiersim.sweep.running import Swept, run

__all__ = ["Sweep", "Swept", "load", "run"]
