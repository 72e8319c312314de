"""Adding a policy touches one file and one line of a table: done to a copy of the package."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import hiersim

NEWEST = '''"""Last in, first out: evict the key that came in last, which leaves the oldest for ever.

A policy for this test, 2026.
"""

from typing import NamedTuple

import numpy as np

from hiersim.policies.contract import Request, Setup


class State(NamedTuple):
    """When each came."""

    came: np.ndarray  # int64[objects]: number of the access; -1 for what is not here


def init(setup: Setup) -> State:
    """Start with an empty cache."""
    return State(np.full(setup.objects, -1, np.int64))


def on_insert(state: State, key: int, req: Request) -> None:
    """Note when."""
    state.came[key] = req.now


def on_hit(state: State, key: int, req: Request) -> None:
    """Change nothing."""


def on_remove(state: State, key: int) -> None:
    """Forget it."""
    state.came[key] = -1


def victim(state: State, req: Request) -> int:
    """Choose the newest."""
    return int(np.argmax(state.came))
'''
USE = """
import json, sys
import numpy as np
from hiersim import policies
from hiersim.cli.main import execute
from hiersim.drivers.cache_study import study
found = study(np.array([0, 1, 2, 0, 1, 2, 3], np.int32), None, "newest", 2, victims=True)
print(json.dumps([found.misses, found.victims.tolist(), "newest" in policies.NAMES, execute(["policies", "newest"])]))
"""


def test_one_file_and_one_line(tmp_path):
    package = Path(hiersim.__file__).parent
    copy = tmp_path / "hiersim"
    shutil.copytree(package, copy, ignore=shutil.ignore_patterns("__pycache__"))
    (copy / "policies" / "replacement" / "newest.py").write_text(NEWEST)
    table = copy / "policies" / "__init__.py"
    text = table.read_text()
    line = '    "lru": f"{_HERE}.lru",\n'
    assert text.count(line) == 1
    table.write_text(text.replace(line, f'{line}    "newest": f"{{_HERE}}.newest",\n'))
    environment = os.environ | {"PYTHONPATH": str(tmp_path), "NUMBA_DISABLE_JIT": "1", "COLUMNS": "100"}
    run = subprocess.run([sys.executable, "-c", USE], env=environment, capture_output=True, text=True, cwd=tmp_path)
    assert run.returncode == 0, run.stderr
    assert json.loads(run.stdout.splitlines()[-1]) == [6, [1, 2, 1, 2], True, 0]
    assert "Last in, first out" in run.stdout
