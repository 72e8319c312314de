import struct

import pytest

from hiersim.cli.main import execute

SCENARIO = """\
machine: rtx-4090
trace: {generate: {kind: zipf, params: {accesses: 100, objects: 20, size: 4 KiB}}}
tiers:
  gddr: {capacity: 1 MiB, policy: lru}
  dram: {capacity: 4 MiB, policy: lru}
seed: 7
"""


def records(count, size=100, time=lambda i: i):
    """Accesses as libCacheSim stores them: u32 time, u64 id, u32 size, i64 next access."""
    return b"".join(struct.pack("<IQIq", time(i), i % 7 + 1, size, -1) for i in range(count))


def snapshot(folder):
    return {str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None for path in folder.rglob("*")}


@pytest.fixture
def cli(tmp_path, monkeypatch, capsys):
    """Run the command line in an empty folder: ``cli("run", "x.yaml")`` gives exit code, output and errors."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")

    def call(*arguments):
        code = execute([str(argument) for argument in arguments])
        return (code, *capsys.readouterr())

    return call
