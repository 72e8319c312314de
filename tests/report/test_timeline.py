"""Timelines for Perfetto: read back, they add up to the result, to the picosecond and to the byte."""

from __future__ import annotations

import io
import shutil
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from core.parity import make_core
from report.readback import carried, read, spent
from strategies import scenario

from hiersim.api.simulation import load
from hiersim.engine.build import Options
from hiersim.engine.core import Core
from hiersim.engine.laws import check_laws
from hiersim.engine.outcome import make_result
from hiersim.engine.requests import WAITS
from hiersim.errors import OutputError
from hiersim.report import over_time
from hiersim.report.notes import notes
from hiersim.report.outputs import write_all
from hiersim.report.timeline import requests
from hiersim.report.timeline.lanes import folded, lanes, shortest
from hiersim.report.timeline.write import content, write_timeline

ROOT = Path(__file__).parents[2]
SEEDS = range(0, 60, 5)


def run(seed, window_ps=None):
    drawn = scenario(seed)
    core = make_core(drawn)
    if window_ps is not None:
        s = drawn
        replay = s.replay.model_copy(update={"unit": s.units})
        trace = core.trace
        core = Core(s.machine, s.rules, s.classes, replay, trace, 0, Options(timeline=True, window_ps=window_ps))
    core.run()
    if core.finished:
        check_laws(core)
    return make_result(core, "drawn", 0.0, {})


def written(result, shortest_ps=None):
    file = io.BytesIO()
    content(result, shortest_ps)(file)
    return file.getvalue()


def expected_time(result, name):
    unit = result.units[name]
    total = Counter({("compute", "compute"): unit.busy_compute_ps, ("near", f"on {unit.near}"): unit.busy_near_ps})
    for stall in unit.stalls:
        total["stall", stall.cause] += stall.ps
    return +total


def expected_bytes(result):
    total = Counter()
    for name, tier in result.tiers.items():
        total[f"{name}.read"], total[f"{name}.write"] = tier.read_total, tier.written_total
    for name, link in result.links.items():
        total[f"{name}.forward"], total[f"{name}.backward"] = link.forward_total, link.backward_total
    return +total


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("share", [None, 0.0, 0.5, 1.0])
def test_it_adds_up_to_the_result(seed, share, monkeypatch):
    """Whatever is folded: nothing, the shorter half, everything."""
    monkeypatch.setattr("hiersim.report.timeline.lanes.PARTS", 3)
    result = run(seed)
    lengths = result.timeline.spans.end_ps - result.timeline.spans.start_ps
    limit = None if share is None else int(np.quantile(lengths, share)) + (share == 1.0) * result.elapsed_ps
    found = read(written(result, limit))
    for name in result.units:
        total = spent(found, name)
        assert Counter({k: n for k, n in total.items() if k[0] != "idle"}) == expected_time(result, name)
    ports = {hop: n for hop, n in carried(found).items() if not hop.endswith(".media")}
    assert Counter(ports) == expected_bytes(result)
    folds = [each for each in found.slices if each.category == "folded"]
    assert share != 1.0 or folds
    assert share is not None or not folds


@pytest.mark.parametrize("seed", SEEDS)
def test_spans_follow_each_other_and_levels_end_where_the_run_ends(seed):
    result = run(seed)
    line = result.timeline
    for number, name in enumerate(line.spans.units):
        mine = line.spans.unit == number
        start, end = line.spans.start_ps[mine], line.spans.end_ps[mine]
        assert start[0] == 0
        assert end[-1] == result.elapsed_ps
        assert (start[1:] == end[:-1]).all()
        stalled = sum(int(e - s) for s, e, c in zip(start, end, line.spans.cause[mine], strict=True)
                      if line.spans.causes[c].state == "stall")  # fmt: skip
        assert stalled == result.units[name].stalled_ps
    for name, tier in result.tiers.items():
        times, used = over_time.occupancy(line, name)
        assert used[-1] == tier.resident_bytes
        assert used.max() <= tier.capacity_bytes
        whole = np.diff(np.append(times, result.elapsed_ps)) @ used
        assert whole == pytest.approx(tier.mean_bytes * result.elapsed_ps, rel=1e-12)
    for hop in line.hops:
        part, _, direction = hop.partition(".")
        at = over_time.edges(line, 37)
        rate = over_time.bandwidth(line, hop, at)
        total = int(line.bytes[line.on(hop)].sum())
        assert rate @ np.diff(at) / 1e12 == pytest.approx(total, rel=1e-9)
        if part in result.links and direction:
            assert over_time.busy_ps(line, hop) <= result.links[part].busy_ps


def test_arrows_lead_from_stalls_to_what_they_waited_for():
    kinds = Counter()
    for seed in range(40):
        found = read(written(run(seed), 0))
        for ends in found.arrows().values():
            stall, transfer = ends
            assert stall.category == "stall"
            kind = next(k for k in ("room", "slot", "latency", "bandwidth", "joined") if f" {k}" in f" {stall.name}")
            kinds[kind] += 1
            begin, length = stall.about["start_ps"], stall.about["ps"]
            over = transfer.about["start_ps"] + transfer.about["ps"]
            assert over >= begin + length, "what it waited for was over before the stall was"
            if kind in ("latency", "bandwidth"):
                assert transfer.about["object"] == stall.about["object"]
                place = stall.name.partition(" ")[0].partition(".")[0]
                assert place in transfer.track
    assert min(kinds[k] for k in ("room", "slot", "latency", "bandwidth", "joined")) >= 5


@pytest.mark.parametrize("seed", SEEDS)
def test_a_window_is_the_same_run_cut_out(seed):
    whole = run(seed)
    start, end = whole.elapsed_ps // 3, whole.elapsed_ps // 3 * 2 + 1
    part = run(seed, (start, end))
    assert part.elapsed_ps == whole.elapsed_ps
    line, lines = part.timeline, whole.timeline
    kept = (lines.done_ps >= start) & (lines.created_ps < end)
    for name in ("created_ps", "slots_ps", "flow_ps", "done_ps", "object", "bytes", "kind", "route"):
        assert (getattr(line, name) == getattr(lines, name)[kept]).all()
    for number in range(len(line.spans.units)):
        assert cut(lines, number, start, end) == cut(line, number, 0, whole.elapsed_ps)
    for tier in part.tiers:
        times, used = over_time.occupancy(lines, tier)
        now = int(used[np.searchsorted(times, start, "right") - 1])
        later = (times > start) & (times < end)
        mine = over_time.occupancy(line, tier)
        assert list(mine[0]) == [start, *times[later]]
        assert list(mine[1]) == [now, *used[later]]


def cut(line, unit, start, end):
    """What a unit did in a window, by cause in words."""
    spans, found = line.spans, []
    for row in np.flatnonzero(spans.unit == unit):
        a, b = max(start, int(spans.start_ps[row])), min(end, int(spans.end_ps[row]))
        if a < b:
            found.append((a, b, spans.causes[spans.cause[row]], int(spans.access[row])))
    return found


def test_a_window_after_the_end_is_empty_and_said_to_be():
    result = run(5, (10**15, 10**16))
    assert read(written(result)).slices == []
    assert any("begins where the run is over" in text for _, text in notes(result))


def test_the_shortest_are_folded_when_there_are_too_many(monkeypatch):
    monkeypatch.setattr("hiersim.report.timeline.lanes.PARTS", 3)
    result = run(5)
    slices = len(read(written(result, 0)).slices)
    limit = shortest(result.timeline, slices // 2)
    assert 0 < len([s for s in read(written(result, limit)).slices if s.category != "folded"]) <= slices // 2
    assert shortest(result.timeline, 10**9) == 0


def test_folding_and_lanes_by_hand():
    short, part = np.array([1, 1, 0, 1, 1, 1], bool), np.array([0, 0, 0, 0, 0, 7])
    assert [r.tolist() for r in folded(short, part, together=True)] == [[0, 1], [2], [3, 4], [5]]
    assert [r.tolist() for r in folded(short, part, together=False)] == [[0, 1, 3, 4], [2], [5]]
    assert folded(short[:0], part[:0], together=True) == folded(short[:0], part[:0], together=False) == []
    assert lanes([0, 1, 2, 5, 5], [3, 2, 6, 6, 7]) == [0, 1, 1, 0, 2]


def test_the_same_run_gives_the_same_bytes_and_the_command_writes_them(tmp_path, monkeypatch):
    from hiersim.cli.main import execute

    monkeypatch.chdir(ROOT)
    changes = ["replay.limit=600", "tiers.hbm.capacity=1 GiB"]
    arguments = ["run", "configs/kv_tiers.yaml", "--no-pictures", "--quiet", *(f"--set={each}" for each in changes)]
    options = ["--timeline-window", "1ms..20s", "--timeline-shortest", "1us"]
    assert execute([*arguments, *options, "--out", str(tmp_path / "a")]) == 0
    changes += ["outputs.timeline=true", "outputs.timeline_window=1 ms..20 s"]
    result = load("configs/kv_tiers.yaml", changes).run()
    path = write_timeline(result, tmp_path / "b", 10**6)
    assert path.read_bytes() == (tmp_path / "a" / "timeline.perfetto-trace").read_bytes()
    assert {each.track.partition("/")[0] for each in read(path.read_bytes()).slices} >= {"units", "tiers", "links"}
    with pytest.raises(OutputError, match="kept no timeline"):
        write_timeline(replace(result, timeline=None), path)


@pytest.mark.parametrize(
    ("text", "what"),
    [("1ms", "two times"), ("2ms..1ms", "ends before"), ("1..2ms", "has no unit"), ("a..b", "not a time")],
)
def test_a_wrong_window_is_one_clear_line(text, what, capsys, tmp_path, monkeypatch):
    from hiersim.cli.main import execute

    monkeypatch.chdir(ROOT)
    assert execute(["run", "configs/kv_tiers.yaml", "--timeline-window", text, "--out", str(tmp_path / "x")]) == 2
    line = capsys.readouterr().err.splitlines()[0]
    assert what in line
    assert "--timeline-window" in line
    assert not (tmp_path / "x").exists()


def asked(path, shell):
    """Ask Perfetto's own query engine for the slices of a timeline, its arrows, what it adds up to, and its errors."""
    from perfetto.trace_processor import TraceProcessor, TraceProcessorConfig

    sums = """select t.name as track, sum(int_value) as total from slice s join track t on s.track_id = t.id
              join args a using (arg_set_id) where a.key = 'debug.{}' group by t.name"""
    slices = "select s.name, s.category, s.ts, s.dur, t.name as track from slice s join track t on s.track_id = t.id"
    arrows = """select a.name as tail, a.ts as since, b.name as head, b.ts as until
                from flow f join slice a on f.slice_out = a.id join slice b on f.slice_in = b.id"""
    errors = "select name from stats where severity = 'error' and value > 0"
    with TraceProcessor(trace=str(path), config=TraceProcessorConfig(bin_path=shell)) as processor:
        return (
            Counter((s.track, s.category, s.name, s.ts, s.ts + s.dur) for s in processor.query(slices)),
            sorted((a.tail, a.since, a.head, a.until) for a in processor.query(arrows)),
            {key: {r.track: r.total for r in processor.query(sums.format(key))} for key in ("bytes", "ps")},
            [row.name for row in processor.query(errors)],
        )


def named(found):
    """Count the slices of a timeline as ``asked`` does."""
    return Counter((s.track.rpartition("/")[2], s.category, s.name, s.start_ns, s.end_ns) for s in found.slices)


@pytest.fixture
def shell():
    found = shutil.which("trace_processor_shell")
    if found is None:
        pytest.skip("trace_processor_shell, Perfetto's query engine, is not on the path")
    return found


@pytest.mark.parametrize("seed", [5, 20, 35])
def test_the_trace_processor_agrees(seed, shell, tmp_path):
    """Perfetto's own query engine, a program that its Python package downloads, finds what is written."""
    result = run(seed)
    path = write_timeline(result, tmp_path / "t", 0)
    slices, arrows, sums, errors = asked(path, shell)
    found = read(path.read_bytes())
    assert errors == []
    assert slices == named(found)
    ends = [sorted(pair, key=lambda s: s.start_ns) for pair in found.arrows().values()]
    assert arrows == sorted((a.name, a.start_ns, b.name, b.start_ns) for a, b in ends)
    assert arrows
    assert expected_bytes(result).items() <= sums["bytes"].items()
    for name in result.units:
        assert sums["ps"].get(name, 0) == sum(expected_time(result, name).values())


def served(*changes):
    return load(ROOT / "configs" / "vllm_rtx4090.yaml", ["trace.limit=120", "serve.kv_pages=600", *changes])


def of_requests(result, *asked):
    file = io.BytesIO()
    requests.content(result, *asked)(file)
    return read(file.getvalue())


def test_the_phases_of_a_request_are_all_of_its_time(tmp_path):
    what = served("outputs.timeline=true")
    result = what.run()
    write_all(result, tmp_path, pictures=False, scenario=what.scenario)
    found = read((tmp_path / "timeline.perfetto-trace").read_bytes())
    spent = Counter()
    for each in found.on("requests/request"):
        spent[each.about["request"]] += each.about["ps"]
        assert each.start_ns == each.about["start_ps"] // 1000
    served_ = result.requests
    assert served_.done.all()
    assert [spent[i] for i in range(served_.count)] == served_.latency_ps.tolist()
    answers = [each.about for each in found.on("requests/request") if each.name == "answer"]
    assert sum(sum(about[f"ps of {name}"] for name in WAITS) for about in answers) == served_.waits_ps.sum()
    assert sum(about["output_tokens"] for about in answers) == served_.output_tokens.sum()
    assert sum(about["preemptions"] for about in answers) == served_.preemptions.sum() > 0
    rows = {each.lane for each in found.on("requests/request")}
    ends = np.concatenate([served_.arrived_ps, served_.last_ps])
    order = np.lexsort((np.repeat([1, 0], served_.count), ends))
    assert len(rows) == np.cumsum(np.repeat([1, -1], served_.count)[order]).max(), "as many rows as were there at once"


def test_the_load_is_that_of_the_samples():
    result = served().run()
    found = of_requests(result)
    samples = result.requests.samples
    for name, column in (("running", "running"), ("waiting", "queued"), ("KV held", "held_bytes")):
        told = {int(time): int(value) for time, value in found.counters[f"load/{name}"]}
        at = None
        for time, value in zip((samples["time_ps"] // 1000).tolist(), samples[column].tolist(), strict=True):
            at = told.get(time, at)
            assert at == value


def test_short_phases_are_folded_with_their_sums_and_a_window_keeps_whole_requests():
    result = served().run()
    whole, folded_ = of_requests(result), of_requests(result, 10**12)
    for phase in requests.PHASES:
        sums = [
            sum(each.about["ps"] for each in found.on("requests/request") if each.name == phase)
            + sum(each.about.get(f"ps of {phase}", 0) for each in found.on("requests/short phases"))
            for found in (whole, folded_)
        ]
        assert sums[0] == sums[1]
    assert len(folded_.slices) < len(whole.slices)
    assert min(each.about["ps"] for each in folded_.on("requests/request")) >= 10**12
    start, end = 5 * 10**12, 6 * 10**12
    kept = {each.about["request"] for each in of_requests(result, None, (start, end)).on("requests/request")}
    times = result.requests
    assert kept == set(np.flatnonzero((times.arrived_ps < end) & (times.last_ps >= start)).tolist())


def test_the_trace_processor_agrees_on_requests(shell, tmp_path):
    what = served("outputs.timeline=true")
    write_all(what.run(), tmp_path, pictures=False, scenario=what.scenario)
    path = tmp_path / "timeline.perfetto-trace"
    slices, _, _, errors = asked(path, shell)
    assert errors == []
    assert slices == named(read(path.read_bytes()))
    assert any(track == "request" for track, *_ in slices)
