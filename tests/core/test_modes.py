"""The core gives equal results when it is compiled with reference counts, and when it runs as plain Python."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
SCRIPT = """
import sys
from core.parity import disagreement
from strategies import scenario
wrong = {seed: found[:3] for seed in range(*map(int, sys.argv[1:])) if (found := disagreement(scenario(seed)))}
sys.exit(str(wrong) if wrong else 0)
"""


def agree(first, last, **environment):
    path = os.pathsep.join([str(TESTS), str(TESTS.parent)])
    command = [sys.executable, "-c", SCRIPT, str(first), str(last)]
    run = subprocess.run(
        command, env=os.environ | environment | {"PYTHONPATH": path}, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr[-2000:]


@pytest.mark.parametrize("first", [0, 50])
def test_plain_python_agrees_with_the_twin(first):
    agree(first, first + 50, NUMBA_DISABLE_JIT="1")


@pytest.mark.xdist_group("reference-counts")
def test_reference_counts_change_nothing():
    agree(0, 30, HIERSIM_REFCOUNT="1")
