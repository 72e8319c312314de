"""Many runs of one scenario: grids and lists of values, on all cores or on a cluster, each point kept by its content.

``sweep`` is imported on use: ``from hiersim import sweep``.
"""

from hiersim.sweep.files import Sweep, load
from hiersim.sweep.search_file import Search, load_search
from hiersim.sweep.searching import Searched, search
from hiersim.sweep.sweeping import run
from hiersim.sweep.swept import Swept

__all__ = ["Search", "Searched", "Sweep", "Swept", "load", "load_search", "run", "search"]
