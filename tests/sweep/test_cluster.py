"""The same table from a Dask and from a Ray cluster that run already, on this computer."""

import contextlib
import importlib.util
import os
import subprocess
import sys
import uuid
from pathlib import Path

import pytest

from hiersim import sweep
from hiersim.errors import ConfigError
from hiersim.sweep.files import Options

ROOT = Path(__file__).parents[2]
DASK = """
from distributed import LocalCluster
if __name__ == "__main__":
    with LocalCluster("127.0.0.1:0", n_workers=1, threads_per_worker=1, dashboard_address=None) as cluster:
        print(cluster.scheduler_address, flush=True)
        input()
"""
RAY = """
import ray
ray.init(num_cpus=1, include_dashboard=False, logging_level="error", object_store_memory=80_000_000)
print(ray.get_runtime_context().gcs_address, flush=True)
input()
ray.shutdown()
"""


@contextlib.contextmanager
def running(package, program, environment):
    """Run a cluster in a process of its own; gives its address."""
    if importlib.util.find_spec(package) is None:
        pytest.skip(f"{package} is not installed")
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL, "text": True}
    with subprocess.Popen([sys.executable, "-c", program], env=environment, **pipes) as process:
        address = process.stdout.readline().strip()
        try:
            if not address:
                pytest.skip(f"{package} does not start a cluster on this computer")
            yield address
        finally:
            process.communicate("\n", timeout=60)


@pytest.mark.parametrize(
    ("kind", "package", "program"), [("dask", "distributed", DASK), ("ray", "ray", RAY)], ids=["dask", "ray"]
)
def test_a_cluster_gives_the_same_bytes(folder, kind, package, program):
    here = sweep.run("sweep.yaml", options=Options(workers=1, cache="here")).write("here.parquet").read_bytes()
    secret = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": uuid.uuid4().hex}  # what Ray asks of those who join
    environment = os.environ | {"PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "ignore"} | secret
    with running(package, program, environment) as address:
        call = [sys.executable, "-m", "hiersim.cli.main", "sweep", "sweep.yaml", "--out", "there.parquet"]
        call += ["--cache", "there", "--cluster", f"{kind}={address}"]
        done = subprocess.run(call, env=environment, capture_output=True, text=True)
    assert "6 points: 6 computed, 0 kept from before, 0 failed" in done.stdout, done.stderr
    assert (folder / "there.parquet").read_bytes() == here
    assert len(list((folder / "there").glob("*/*.json"))) == 6


@pytest.mark.parametrize(
    "cluster", ["dask=tcp://127.0.0.1:1", "ray=127.0.0.1:1", "dask=nonsense", "ray=ray://127.0.0.1:1"]
)
def test_an_unreachable_cluster_is_one_line(folder, cluster):
    kind, _, address = cluster.partition("=")
    if importlib.util.find_spec("distributed" if kind == "dask" else "ray") is None:
        pytest.skip(f"{kind} is not installed")
    with pytest.raises(ConfigError, match=f"no {kind.capitalize()} cluster answers at {address}: ") as caught:
        sweep.run("sweep.yaml", options=Options(cluster=cluster))
    assert "\n" not in str(caught.value)


def test_results_are_kept_here_even_where_workers_keep_them_elsewhere(folder, monkeypatch):
    from hiersim.sweep import running
    from hiersim.sweep.spread import Where
    from hiersim.sweep.store import Store

    chosen = sweep.load("sweep.yaml")
    chosen.setup.__dict__["at"] = Where(cluster="dask", address="elsewhere")

    def elsewhere(work, items):
        with monkeypatch.context() as patched:
            patched.setattr(Store, "write", lambda self, address, document: "")
            outcomes = [work(item) for item in items]
        yield from outcomes

    monkeypatch.setattr(running, "spreading", lambda at: contextlib.nullcontext(elsewhere))
    with running.running(chosen.setup) as run_all:
        assert [outcome.error for outcome in run_all(chosen.points())] == [""] * 6
    assert len(list((folder / "kept").glob("*/*.json"))) == 6
