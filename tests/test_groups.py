"""Tests of one group run in one process: without that, each process would compile the same policies again."""

import pytest


@pytest.mark.xdist_group("engine")
def test_groups_reach_the_scheduler(request):
    if not request.config.getoption("loadgroup", False):
        pytest.skip("this run does not group its tests")
    assert request.node.nodeid.endswith("@engine"), "this version of pytest-xdist cannot group tests under this pytest"
