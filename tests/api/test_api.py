"""The Python API: the same as the command line, with objects."""

import numpy as np
import pytest

import hiersim as hs
from hiersim.api.capacity import Measure, capacity
from hiersim.api.choices import split_policies

SCENARIO = """\
machine: rtx-4090
trace: {generate: {kind: zipf, params: {accesses: 300, objects: 40, size: 4 KiB}}}
tiers:
  gddr: {capacity: 64 KiB, policy: lru}
  dram: {capacity: 4 MiB, policy: lru}
seed: 7
"""


@pytest.fixture
def path(tmp_path):
    file = tmp_path / "small.yaml"
    file.write_text(SCENARIO)
    return file


@pytest.fixture
def trace():
    return hs.AccessTrace.build(np.arange(60) % 6, size=[10, 20, 30, 40, 50, 60])


def test_load_and_run(path):
    simulation = hs.load(path, ["tiers.dram.policy=arc"])
    calls = []
    result = simulation.run(progress=lambda done, total: calls.append((done, total)))
    assert isinstance(result, hs.Result)
    assert result.accesses == 300
    assert result.name == "small"
    assert result.provenance["scenario_hash"] == simulation.scenario_hash
    assert all(total == 300 and 0 <= done <= total for done, total in calls)
    assert simulation.scenario.tiers["dram"].policy.name == "arc"
    assert "small" in repr(simulation)
    html = result._repr_html_()
    assert "<table" in html
    assert "gddr" in html


def test_run_takes_paths_scenarios_and_simulations(path):
    simulation = hs.load(path)
    results = [hs.run(given) for given in (path, str(path), simulation.scenario, simulation)]
    assert len({(result.elapsed_ps, result.provenance["trace"]["fingerprint"]) for result in results}) == 1


def test_replace_changes_one_value(path):
    simulation = hs.load(path)
    other = simulation.replace("tiers.gddr.capacity", "8 KiB")
    assert other.run().tiers["gddr"].hits < simulation.run().tiers["gddr"].hits
    with pytest.raises(hs.ConfigError, match=r"tiers\.gddr\.capcity"):
        simulation.replace("tiers.gddr.capcity", "8 KiB")


def test_another_trace_can_be_run(path, trace):
    result = hs.load(path).run(trace=trace)
    assert result.accesses == 60
    assert result.provenance["trace"]["fingerprint"] == trace.fingerprint()


def test_a_late_mistake_has_its_line(path):
    with pytest.raises(hs.ConfigError) as caught:
        hs.load(path, ["trace.generate.params.size=1 MiB"]).run()
    (mistake,) = caught.value.mistakes
    assert (mistake.file, mistake.line, mistake.where) == (str(path), 4, "tiers.gddr.capacity")
    with pytest.raises(hs.ConfigError) as caught:
        hs.load(path, ["tiers.gddr.policy=s3fifo:small=7"]).run()
    assert [(m.file, m.where) for m in caught.value.mistakes] == [("--set", "tiers.gddr.policy")]


def test_replay_gives_results_in_order(trace):
    found = hs.replay(trace, policy=["lru", "fifo"], capacity=[60, "50%", "0.1 KiB"])
    assert [(result.policy, result.capacity) for result in found] == [
        (policy, size) for policy in ("lru", "fifo") for size in (60, 105, 102)
    ]
    table = found.table()
    assert table.columns == list(found.rows()[0])
    assert table["misses"].to_list() == [result.misses for result in found]
    assert "lru" in found._repr_html_()
    assert found.unit == "bytes"


def test_workers_change_nothing(trace):
    one, four = (
        [(r.policy, r.capacity, r.misses) for r in hs.replay(trace, "all", [60, 100], workers=workers, seed=3)]
        for workers in (1, 4)
    )
    assert one == four


def test_nothing_beats_the_optimum(trace):
    best = {r.capacity: r.misses for r in hs.replay(trace, policy="opt", capacity=[2, 4], ignore_size=True)}
    for result in hs.replay(trace, policy="all", capacity=[2, 4], ignore_size=True):
        assert result.misses >= best[result.capacity]


def test_replay_of_a_long_trace_goes_piece_by_piece(trace, monkeypatch):
    whole = hs.replay(trace, policy=["arc", "opt"], capacity=3, ignore_size=True)
    calls = []
    monkeypatch.setattr("hiersim.api.replay.PIECE", 7)
    pieces = hs.replay(trace, policy=["arc", "opt"], capacity=3, ignore_size=True, progress=lambda *c: calls.append(c))
    assert [r.misses for r in pieces] == [r.misses for r in whole]
    assert sorted(calls)[-1] == (120, 120)
    assert len(calls) == 18


def test_a_failure_stops_the_other_replays(trace, monkeypatch):
    monkeypatch.setattr("hiersim.api.replay.PIECE", 1)
    fed = []

    def stop(done, total):
        fed.append(done)
        raise RuntimeError("enough")

    with pytest.raises(RuntimeError, match="enough"):
        hs.replay(trace, policy=["lru", "fifo", "arc"], capacity=3, ignore_size=True, workers=2, progress=stop)
    assert len(fed) <= 3


def test_requests_are_replayed_by_their_blocks(tmp_path):
    requests = hs.generate("chat", sessions=5, seed=1)
    assert isinstance(requests, hs.RequestTrace)
    hs.write_trace(requests, tmp_path / "chat.parquet")
    plain = hs.replay(tmp_path / "chat.parquet", capacity="50%")
    sized = hs.replay(tmp_path / "chat.parquet", capacity="50%", model="llama-3.1-8b")
    assert plain.unit == sized.unit == "objects"
    assert plain[0].misses == sized[0].misses
    block = 128 * 1024 * requests.block_tokens
    assert hs.replay(tmp_path / "chat.parquet", capacity=f"{3 * block} B", model="llama-3.1-8b")[0].capacity == 3


def test_limit_counts_accesses_of_an_open_trace(trace):
    assert hs.replay(trace, limit=13, capacity=100)[0].requests == 13
    with pytest.raises(hs.ConfigError, match="limit"):
        hs.replay(trace, limit=0)
    with pytest.raises(hs.ConfigError, match="is open already"):
        hs.replay(trace, model="llama-3.1-8b")


def test_an_empty_trace_is_an_error(trace):
    with pytest.raises(hs.TraceError, match="holds no accesses"):
        hs.replay(trace[:0])


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("lru", ["lru"]),
        ("lru, sieve", ["lru", "sieve"]),
        ("s3fifo:small=0.2,ghost=0.5,arc", ["s3fifo:small=0.2,ghost=0.5", "arc"]),
        ("s3fifo:small=0.2,clock:bits=2", ["s3fifo:small=0.2", "clock:bits=2"]),
        ("./mine.py:x=1,y=2,lru", ["./mine.py:x=1,y=2", "lru"]),
    ],
)
def test_policies_are_split_with_their_parameters(text, parts):
    assert split_policies(text) == parts


BYTES = Measure("bytes", footprint=2029769720, least=512)
BLOCKS = Measure("objects", footprint=182790, least=1, each=2**21)


@pytest.mark.parametrize(
    ("given", "measure", "size"),
    [
        (1000, BYTES, 1000),
        ("1_000", BYTES, 1000),
        ("4 GiB", BYTES, 2**32),
        ("4GB", BYTES, 4 * 10**9),
        ("5%", BYTES, 101488486),
        ("10%", BLOCKS, 18279),
        ("100%", BLOCKS, 182790),
        ("0.001%", BLOCKS, 1),
        ("4 GiB", BLOCKS, 2048),
        ("3 MiB", BLOCKS, 1),
    ],
)
def test_capacities(given, measure, size):
    assert capacity(given, measure) == size


@pytest.mark.parametrize(
    ("given", "measure"),
    [("1 MiB", BLOCKS), (511, BYTES), ("0.0001%", BLOCKS), ("", BYTES), ("%", BYTES), ("1/0%", BYTES), (0, BLOCKS),
     ("0 B", BLOCKS), ("nan%", BYTES), (2**63, BYTES), ("1 GiB", Measure("objects", 10, 1, 1)), (True, BYTES)],
)  # fmt: skip
def test_what_is_no_capacity(given, measure):
    with pytest.raises(hs.ConfigError):
        capacity(given, measure)


def test_a_scenario_scales_its_trace(tmp_path, monkeypatch):
    from hiersim.api.sources import trace_of

    monkeypatch.chdir(tmp_path)
    chat = hs.generate("chat", sessions=20, seed=5)
    hs.write_trace(chat, "chat.parquet")
    scales = "model: llama-3.1-8b, rate_scale: 2, length_scale: 0.5, arrivals: 'gamma:rate=1,cv=2'"
    for source in ("path: chat.parquet", "generate: {kind: chat, params: {sessions: 20}}"):
        (tmp_path / "s.yaml").write_text(f"machine: rtx-4090\ntrace: {{{source}, {scales}}}\nseed: 5\n")
        found = trace_of(hs.load("s.yaml").scenario)
        expected = chat.arriving("gamma:rate=1,cv=2", 5).scaled(2, 0.5)
        assert found.time_ps.tolist() == expected.blocks().time_ps.tolist()
        assert set(found.size.tolist()) == {64 * 131_072}
