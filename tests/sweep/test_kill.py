"""A sweep that is killed at any moment goes on where it was: nothing finished is lost, or done twice."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from hiersim import sweep
from hiersim.sweep.files import Options

ROOT = Path(__file__).parents[2]
SWEEP = """\
scenario: small.yaml
cache: kept
set: {trace.generate.params.accesses: 2000}
vary:
  tiers.gddr.policy: [lru, fifo, clock, sieve]
  tiers.gddr.capacity: {from: 16 KiB, to: 64 KiB, count: 15}
"""


def entries(folder):
    return {p.name: (p.stat().st_ino, p.stat().st_mtime_ns) for p in folder.glob("kept/*/*.json")}


@pytest.mark.skipif(not hasattr(os, "killpg"), reason="needs process groups to kill all workers at once")
def test_killed_sweeps_go_on(folder):
    (folder / "long.yaml").write_text(SWEEP)
    call = [sys.executable, "-m", "hiersim.cli.main", "sweep", "long.yaml", "--workers", "2", "--quiet"]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    kept, most = {}, 60
    for wanted in (1, 25):  # killed as soon as so many points are there
        process = subprocess.Popen(call, env=environment, start_new_session=True, stdout=subprocess.DEVNULL)
        while len(entries(folder)) < wanted and process.poll() is None:
            time.sleep(0.002)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        now = entries(folder)
        assert kept.items() <= now.items()  # the very same files
        assert wanted <= len(now) < most
        kept = now
    assert not (folder / "runs").exists()
    found = sweep.run("long.yaml")
    assert found.computed == most - len(kept)
    assert found.failed == []
    assert kept.items() <= entries(folder).items()
    whole = sweep.run("long.yaml", options=Options(workers=1, cache="other"))
    assert whole.write("whole.parquet").read_bytes() == found.write("found.parquet").read_bytes()
