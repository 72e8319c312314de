"""The comparison of core and twin notices when a line of either is broken."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from core.mutations import CORE, TWIN, first_shown

TESTS = Path(__file__).parents[1]


@pytest.mark.parametrize("what", TWIN)
def test_a_broken_line_of_the_twin_shows(what):
    assert first_shown(*TWIN[what]) is not None


@pytest.mark.parametrize("half", [0, 1])
def test_a_broken_line_of_the_core_shows(half):
    path = os.pathsep.join([str(TESTS), str(TESTS.parent)])
    environment = os.environ | {"NUMBA_DISABLE_JIT": "1", "PYTHONPATH": path}
    command = [sys.executable, "-m", "core.mutations", *list(CORE)[half::2]]
    run = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    shown = json.loads(run.stdout)
    assert [what for what, seed in shown.items() if seed is None] == []
    assert len(shown) == len(list(CORE)[half::2])
