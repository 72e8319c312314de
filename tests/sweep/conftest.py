import pytest

SCENARIO = """\
machine: rtx-4090
trace: {generate: {kind: zipf, params: {accesses: 300, objects: 40, size: 4 KiB}}}
tiers:
  gddr: {capacity: 64 KiB, policy: lru}
  dram: {capacity: 4 MiB, policy: lru}
seed: 7
"""
SWEEP = """\
scenario: small.yaml
cache: kept
workers: 1
vary:
  tiers.gddr.policy: [lru, fifo]
  tiers.gddr.capacity: {from: 16 KiB, to: 64 KiB, count: 3, scale: log}
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with ``small.yaml``, a scenario, and ``sweep.yaml``, a sweep of six points that keeps in ``kept``."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    (tmp_path / "small.yaml").write_text(SCENARIO)
    (tmp_path / "sweep.yaml").write_text(SWEEP)
    return tmp_path
