"""What is said of a trace equals what plain Python counts."""

import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hiersim.traces import AccessTrace, generate, trace_info
from hiersim.traces.info import reuse_distances, zipf_exponent


def plain_distances(objects):
    distinct, gaps, last = [], [], {}
    for i, o in enumerate(objects):
        if o in last:
            distinct.append(len(set(objects[last[o] + 1 : i])))
            gaps.append(i - last[o] - 1)
        last[o] = i
    return distinct, gaps


@settings(derandomize=True, deadline=None, max_examples=80)
@given(st.lists(st.integers(0, 12), max_size=120))
def test_reuse_distances(objects):
    column = np.array(objects, np.int32)
    distinct, gaps = plain_distances(objects)
    assert reuse_distances(column, 13).tolist() == distinct
    assert reuse_distances(column, 13, exact=False).tolist() == gaps


def test_figures_of_a_small_trace():
    columns = {"time_ps": [0, 10, 20, 30, 50], "write": [0, 1, 0, 0, 1], "stream": [0, 1, 0, 1, 0]}
    columns["object_class"] = [0, 1, 1]
    info = trace_info(AccessTrace.build([0, 1, 0, 2, 0], [100, 200, 400], columns, classes=("kv", "page")))
    assert (info.accesses, info.objects, info.footprint_bytes, info.bytes_accessed) == (5, 3, 700, 900)
    assert (info.reads, info.writes, info.streams, info.duration_ps) == (3, 2, 2, 50)
    assert info.classes == {"kv": (1, 100), "page": (2, 600)}
    assert info.sizes == {"min": 100, "p50": 200, "mean": pytest.approx(700 / 3), "max": 400}
    assert info.reuse.accesses_per_object == pytest.approx(5 / 3)
    assert info.reuse.one_hit_share == pytest.approx(2 / 3)
    assert info.reuse.first_use_share == pytest.approx(3 / 5)
    assert info.reuse.distance_unit == "distinct objects"
    assert info.reuse.distance["p50"] == 1
    assert info.popularity.top_1_percent == pytest.approx(3 / 5)
    assert info.arrivals.mean_ps == 12.5
    assert info.arrivals.burstiness_cv == pytest.approx(math.sqrt(18.75) / 12.5)


@pytest.mark.parametrize("alpha", [0.5, 1.0, 1.2])
@pytest.mark.parametrize("ranks", [100, 300_000])
def test_the_exponent_of_an_exact_zipf_law_is_found(alpha, ranks):
    counts = np.arange(1, ranks + 1.0) ** -alpha * 1e15
    assert zipf_exponent(counts.astype(np.int64)) == pytest.approx(alpha, abs=1e-4)


def test_poisson_arrivals_have_a_burstiness_of_one():
    info = trace_info(generate("zipf", accesses=100_000, objects=100, interval="1 us"))
    assert info.arrivals.burstiness_cv == pytest.approx(1.0, abs=0.02)
    assert info.arrivals.p50_ps == pytest.approx(math.log(2) * 1e6, rel=0.03)


def test_requests():
    chat = generate("chat", seed=1, sessions=100)
    info = trace_info(chat)
    assert (info.kind, info.records, info.accesses) == ("requests", len(chat), len(chat.block_ids))
    assert info.prefix_reuse_share == pytest.approx(1 - chat.blocks_distinct / len(chat.block_ids))
    assert info.tokens["prompt"]["total"] == chat.prompt_tokens.sum()
    assert info.tokens["output"]["p50"] == np.quantile(chat.output_tokens, 0.5, method="lower")
    assert info.streams == 100


@pytest.mark.parametrize("trace", [AccessTrace.build([], []), AccessTrace.build([0], 5), generate("chat", sessions=1)])
def test_small_traces_have_an_info_that_json_can_hold(trace):
    text = json.dumps(trace_info(trace).as_dict(), allow_nan=False)
    assert json.loads(text)["records"] == len(trace)
