"""What all tests share: how hypothesis draws, and in which order tests start."""

import sys

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile(
    "hiersim",
    deadline=None,  # the first example of a process may compile
    derandomize=True,  # the same examples in every run
    database=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("hiersim")

FIRST = ("engine", "reference-counts")  # groups that compile longest: each loop of the core once, with its parts


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Start with what compiles, each thing in one process; the others find it on disk afterwards."""
    items.sort(key=_turn)


def _turn(item):
    """Return what a test is sorted by; within a turn the order stays."""
    mark = item.get_closest_marker("xdist_group")
    if mark is None:
        return len(FIRST) + 1
    return FIRST.index(mark.args[0]) if mark.args[0] in FIRST else len(FIRST)


@pytest.fixture(autouse=True)
def _no_open_figures():
    """Close what a test has drawn: pyplot keeps every figure, and warns of many."""
    yield
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")
