"""Request traces as columns: waits for answers, round trips, slices, other arrivals, other rates and lengths."""

import json

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hiersim.errors import ConfigError, TraceError
from hiersim.models import find_model
from hiersim.traces import RequestTrace, generate, open_trace, write_trace
from hiersim.traces.arrivals import roots


@st.composite
def requests(draw, waits=True):
    """A small trace whose prompts have as many blocks as their tokens need."""
    count, block = draw(st.integers(1, 12)), draw(st.integers(1, 9))
    column = lambda low, high: np.array(draw(st.lists(st.integers(low, high), min_size=count, max_size=count)))  # noqa: E731
    prompt = column(0, 40)
    lengths = -(-prompt // block)
    blocks = draw(st.lists(st.integers(0, 15), min_size=int(lengths.sum()), max_size=int(lengths.sum())))
    after = [draw(st.integers(-1, i - 1)) if waits else -1 for i in range(count)]
    times = np.sort(column(0, 10**15))
    return RequestTrace(
        time_ps=times - times[0],
        prompt_tokens=prompt,
        output_tokens=column(0, 40),
        session=column(-1, 3).astype(np.int32),
        block_offsets=np.concatenate([[0], np.cumsum(lengths)]),
        block_ids=np.array(blocks, np.int32),
        original_block_id=np.arange(100, 116),
        block_tokens=block,
        after=np.array(after, np.int32),
        think_ps=column(0, 10**12),
        chained=draw(st.booleans()),
    ).compact()


@settings(max_examples=40)
@given(trace=requests())
def test_parquet_and_tables_keep_everything(trace, tmp_path_factory):
    again = open_trace(write_trace(trace, tmp_path_factory.mktemp("round") / "t.parquet"))
    assert again.fingerprint() == trace.fingerprint()
    assert again.chained == trace.chained
    if trace.closed_loop:
        assert again.after.tolist() == trace.after.tolist()
        assert again.think_ps.tolist() == trace.think_ps.tolist()
    table = RequestTrace.from_polars(trace.to_polars(), block_tokens=trace.block_tokens, chained=trace.chained)
    assert table.fingerprint() == trace.fingerprint()


def test_files_without_waits_are_as_before(tmp_path):
    plain = generate("requests", seed=1, requests=20, system_prompts=2)
    path = write_trace(plain, tmp_path / "t.parquet")
    assert pl.read_parquet_schema(path).names() == ["time_ps", "prompt_tokens", "output_tokens", "session", "blocks"]
    assert json.loads(pl.read_parquet_metadata(path)["hiersim"]).keys() == {"version", "notes", "kind", "block_tokens"}
    old = open_trace(path)
    assert (old.after == -1).all()
    assert (old.think_ps == 0).all()
    assert old.after.dtype == np.int32
    assert not old.closed_loop


@given(requests(), st.integers(0, 12), st.integers(0, 12))
def test_a_slice_waits_only_for_its_own(trace, begin, end):
    part = trace[begin:end]
    for i in range(len(part)):
        before = trace.after[begin + i]
        assert part.after[i] == (before - begin if before >= begin else -1)
        assert part.think_ps[i] == trace.think_ps[begin + i]


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (
            {"after": [-1, 1]},
            "request 1 waits for an earlier one (or -1) and no negative time, got after 1, think_ps 0",
        ),
        ({"after": [-2, 0]}, "request 0 waits for an earlier one"),
        ({"think_ps": [0, -5]}, "got after -1, think_ps -5"),
        ({"after": [-1]}, "column `after` has shape (1,), expected (2,)"),
    ],
)
def test_impossible_waits(columns, message):
    plain = {"time_ps": [0, 1], "prompt_tokens": [1, 1], "output_tokens": [1, 1], "session": [0, 0], "after": [-1, -1]}
    plain = {key: np.array(value) for key, value in (plain | {"think_ps": [0, 0]} | columns).items()}
    with pytest.raises(TraceError) as caught:
        RequestTrace(**plain, block_offsets=np.zeros(3, np.int64), block_ids=np.empty(0, np.int32),
                     original_block_id=np.empty(0, np.int64))  # fmt: skip
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("after", [-1, 1], "t.parquet: row 2: after must be the number of an earlier request, from 0, or -1, got 1"),
        ("think_ps", [0, -7], "t.parquet: row 2: think_ps must not be negative, got -7"),
        ("after", [-1, None], "t.parquet: row 2: after is empty"),
    ],
)
def test_impossible_waits_in_a_file_name_the_row(tmp_path, column, value, message):
    table = pl.DataFrame({"time_ps": [0, 1], "prompt_tokens": [1, 1], "output_tokens": [1, 1], column: value})
    table.write_parquet(tmp_path / "t.parquet")
    with pytest.raises(TraceError) as caught:
        open_trace(tmp_path / "t.parquet")
    assert message in str(caught.value)


def test_blocks_at_any_place_extend_none():
    trace = generate("rag", seed=1, requests=50, blocks="chunk")
    assert trace.blocks().parents is None
    assert generate("rag", seed=1, requests=50).blocks().parents is not None


def chain(after, request):
    """The request that begins a chain of waits, by walking."""
    while after[request] >= 0:
        request = after[request]
    return request


def described(trace, request):
    """All that a request is, but for its arrival and what it waits for."""
    columns = ("prompt_tokens", "output_tokens", "session", "think_ps")
    span = slice(trace.block_offsets[request], trace.block_offsets[request + 1])
    blocks = trace.original_block_id[trace.block_ids[span]].tolist()
    return (*(int(getattr(trace, key)[request]) for key in columns), tuple(blocks))


def whole(trace):
    """All requests with what they wait for, and how long after the first of their chain they arrive."""
    rows = []
    for request, after in enumerate(trace.after.tolist()):
        late = int(trace.time_ps[request] - trace.time_ps[chain(trace.after, request)])
        rows.append((described(trace, request), (described(trace, after), late) if after >= 0 else ()))
    return sorted(rows)


@given(requests(), st.integers(0, 9))
def test_new_arrivals_keep_what_belongs_together(trace, seed):
    count = len(trace)
    assert roots(trace.after).tolist() == [chain(trace.after, r) for r in range(count)]
    moved = trace.arriving("poisson:rate=2", seed)
    assert len(moved) == count
    assert (np.diff(moved.time_ps) >= 0).all()
    assert whole(moved) == whole(trace)


def test_new_arrivals_have_the_rate(tmp_path):
    chat = generate("chat", seed=2, sessions=3000, turns=1.0)
    moved = chat.arriving("weibull:rate=50,cv=2", seed=1)
    assert len(moved) / (moved.duration_ps / 1e12) == pytest.approx(50, rel=0.1)
    assert moved.fingerprint() == chat.arriving("weibull:rate=50,cv=2", seed=1).fingerprint()
    assert moved.fingerprint() != chat.arriving("weibull:rate=50,cv=2", seed=2).fingerprint()
    path = write_trace(chat, tmp_path / "c.parquet")
    assert open_trace(path, arrivals="weibull:rate=50,cv=2", seed=1).fingerprint() == moved.fingerprint()


@given(requests(), st.sampled_from([0.1, 0.5, 1.0, 1.7, 2.0, 10.0]))
def test_longer_texts_have_as_many_blocks(trace, length):
    scaled = trace.scaled(length=length)
    assert scaled.block_ids.tolist() == trace.block_ids.tolist()
    assert scaled.block_tokens == max(1, round(trace.block_tokens * length))
    assert (-(-scaled.prompt_tokens // scaled.block_tokens)).tolist() == np.diff(trace.block_offsets).tolist()
    off = abs(scaled.block_tokens - trace.block_tokens * length) / trace.block_tokens  # blocks are whole tokens
    assert (np.abs(scaled.prompt_tokens - trace.prompt_tokens * length) <= off * trace.prompt_tokens + 1).all()
    assert ((scaled.output_tokens > 0) == (trace.output_tokens > 0)).all()
    assert (np.abs(scaled.output_tokens - trace.output_tokens * length) <= 1).all()


@given(requests(), st.sampled_from([0.25, 1.0, 3.0]))
def test_a_higher_rate_divides_times_and_nothing_else(trace, rate):
    scaled = trace.scaled(rate=rate)
    assert (np.abs(scaled.time_ps - trace.time_ps / rate) <= 0.5).all()
    for key in ("prompt_tokens", "output_tokens", "session", "block_ids", "after", "think_ps"):
        assert (getattr(scaled, key) == getattr(trace, key)).all()
    assert trace.scaled() is trace


def test_options_scale_what_is_opened(tmp_path):
    chat = generate("chat", seed=1, sessions=20)
    path = write_trace(chat, tmp_path / "c.parquet")
    shaped = open_trace(path, rate_scale=2, length_scale=0.5)
    assert shaped.fingerprint() == chat.scaled(2, 0.5).fingerprint()
    assert shaped.notes[-1] == "scaled: 2 times as many a second, texts 0.5 times as long"
    model = find_model("llama-3.1-8b")
    assert set(open_trace(path, model=model, length_scale=0.5).size.tolist()) == {64 * 131_072}
    loop = write_trace(generate("loop", accesses=100, objects=10, interval="1 us"), tmp_path / "l.parquet")
    plain, dense = open_trace(loop), open_trace(loop, rate_scale=4)
    assert (np.abs(dense.time_ps - plain.time_ps / 4) <= 0.5).all()
    assert dense.object.tolist() == plain.object.tolist()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"rate_scale": 0}, "rate_scale must be 1e-06 to 1e+06, got 0"),
        ({"length_scale": float("nan")}, "length_scale must be 1e-06 to 1e+06, got nan"),
        ({"rate_scale": "2"}, "rate_scale must be 1e-06 to 1e+06, got 2"),
        ({"arrivals": "poisson"}, "needs a rate"),
        ({"rate_scale": 1e-6}, "stretches the trace over more than 106 days"),
    ],
)
def test_scales_that_cannot_be(tmp_path, options, message):
    path = write_trace(generate("chat", seed=1, sessions=200), tmp_path / "c.parquet")
    with pytest.raises(ConfigError) as caught:
        open_trace(path, **options)
    assert message in str(caught.value)


def test_accesses_have_neither_lengths_nor_arrivals(tmp_path):
    from hiersim.traces import iter_chunks

    path = write_trace(generate("loop", accesses=100, objects=10), tmp_path / "l.parquet")
    for options in ({"length_scale": 2.0}, {"arrivals": "poisson:rate=1"}):
        with pytest.raises(ConfigError, match="length_scale and arrivals are of requests; this trace holds accesses"):
            open_trace(path, **options)
        with pytest.raises(ConfigError, match="need a trace that is opened whole"):
            next(iter_chunks(path, **options))
