"""Formats of requests: many shapes of the same requests, against plain parsing, and the real files."""

import gzip
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hiersim.traces import open_trace
from hiersim.traces.formats.json_lines import entries

SHARED = Path(__file__).parents[2].parent / "shared"
MEASURED = SHARED / "measured" / "vllm_rtx4090_llama3.1_8b" / "requests.jsonl"

LINES = [
    {"input_len": 5, "output_len": 7, "arrival_time": 10.5},
    {"input_len": 6, "output_len": 8, "arrival_time": 12.0},
]
FILES = {
    "bench.jsonl": "\n".join(map(json.dumps, LINES)),
    "blank.jsonl": "\n\n" + "\n\n".join(map(json.dumps, LINES)) + "\n\n",
    "toks.jsonl": "\n".join(
        json.dumps({"id": i, "x": {"y": [1]}, "input_toks": 5 + i, "output_toks": 7 + i, "arrived_at": 10.5 + 1.5 * i})
        for i in range(2)
    ),
    "whole_then_part.jsonl": "\n".join(
        json.dumps({"timestamp": t, "prompt_tokens": p, "completion_tokens": o}) for t, p, o in ((0, 5, 7), (1.5, 6, 8))
    ),
    "ms.jsonl": "\n".join(
        json.dumps({"timestamp_ms": t, "prompt_len": p, "output_len": o}) for t, p, o in ((10, 5, 7), (1510, 6, 8))
    ),
    "result.json": json.dumps({"date": "x", "input_lens": [5, 6], "output_lens": [7, 8], "start_times": [0.5, 2.0]}),
    "pretty.json": json.dumps({"input_lens": [5, 6], "output_lens": [7, 8], "start_times": [0.5, 2.0]}, indent=2),
    "burst.csv": "Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type\n"
    "5,ChatGPT,5,7,12,Conversation log\n6.5,GPT-4,6,8,14,API log\n",
    "vidur.csv": "arrived_at,num_prefill_tokens,num_decode_tokens\n0.25,5,7\n1.75,6,8\n",
    "dates.csv": "arrival;input_tokens;output_tokens\n2024-05-01 00:00:00.5;5;7\n2024-05-01 00:00:02;6;8\n",
}


@pytest.mark.parametrize("name", FILES)
def test_many_shapes_of_two_requests(tmp_path, name):
    (tmp_path / name).write_text(FILES[name])
    for options in ({}, {"chunk": 1}):
        trace = open_trace(tmp_path / name, **options)
        assert trace.format == ("burstgpt" if name.endswith("csv") else "vllm")
        assert trace.time_ps.tolist() == [0, 15 * 10**11]
        assert (trace.prompt_tokens.tolist(), trace.output_tokens.tolist()) == ([5, 6], [7, 8])
        assert (trace.session == -1).all()
        assert (trace.block_tokens, len(trace.block_ids), trace.notes) == (0, 0, ())
    assert len(open_trace(tmp_path / name, limit=1)) == 1
    assert open_trace(tmp_path / name, ignore_time=True).time_ps.tolist() == [0, 0]


TIMELESS = {
    "lens.json": json.dumps({"input_lens": [5, 6], "output_lens": [7, 8]}),
    "lines.jsonl": '{"input_tokens": 5, "output_tokens": 7}\n{"input_tokens": 6, "output_tokens": 8}',
    "objects.json": json.dumps(
        [{"prompt_len": 5, "output_len": 7, "text": 'a "],[{\\'}, {"prompt_len": 6, "output_len": 8}]
    ),
    "pairs.json": "[[5, 7],\n [6, 8]]",
    "pairs.json.gz": gzip.compress(b"[[5, 7], [6, 8]]"),
    "single.json": json.dumps(
        [{"conversations": [{"from": "human", "tokens": p}, {"from": "gpt", "tokens": o}]} for p, o in ((5, 7), (6, 8))]
    ),
}


@pytest.mark.parametrize("name", TIMELESS)
def test_lengths_alone_say_that_they_have_no_arrivals(tmp_path, name):
    content = TIMELESS[name]
    (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    trace = open_trace(tmp_path / name)
    assert (trace.prompt_tokens.tolist(), trace.output_tokens.tolist()) == ([5, 6], [7, 8])
    assert trace.time_ps.tolist() == [0, 0]
    assert "no arrival times" in trace.notes[0]
    drawn = open_trace(tmp_path / name, arrivals="constant:rate=4")
    assert drawn.time_ps.tolist() == [0, 25 * 10**10]


def test_sessions_and_columns_by_name(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("Timestamp,Session ID,Request tokens,Response tokens\n1,b,5,7\n2,,6,0\n3,a,7,9\n4,b,1,1\n")
    for chunk in (1 << 20, 1):
        trace = open_trace(path, chunk=chunk)
        assert trace.session.tolist() == [0, -1, 1, 0]
        assert trace.output_tokens.tolist() == [7, 0, 9, 1]  # a failed request has no answer
    path.write_text("when,in,out\n1,5,7\n2,6,8\n")
    columns = {"time": "when", "prompt": "in", "output": "out"}
    trace = open_trace(path, format="burstgpt", columns=columns, time_unit="ms")
    assert trace.time_ps.tolist() == [0, 10**9]
    lines = tmp_path / "t.jsonl"
    plain = {"conversation_id": "x", "input_tokens": 5, "output_tokens": 7}
    lines.write_text("\n".join(map(json.dumps, (plain, plain | {"conversation_id": None}))))
    assert open_trace(lines).session.tolist() == [0, -1]


WORDS = st.text(st.sampled_from('ab"\\[]{},:\n\u00e9 '), max_size=6)


JSON = st.recursive(
    st.integers() | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=60)
@given(records=st.lists(JSON, min_size=1, max_size=8), size=st.integers(8, 64), indent=st.sampled_from([None, 1]))
def test_an_array_becomes_a_line_an_entry(records, size, indent, tmp_path_factory):
    path = tmp_path_factory.mktemp("array") / "t.json"
    path.write_text(json.dumps(records, indent=indent, ensure_ascii=False))
    found = []
    for place, data in entries(path, size):
        for i, line in enumerate(data.split(b"\n")):
            if line.strip():
                assert place(i) == f"{path}: entry {len(found) + 1:,}"
                found.append(json.loads(line))
    assert found == records


MESSAGE = st.tuples(st.sampled_from(["human", "gpt", "system", "GPT"]), st.integers(0, 30))


def asked_and_answered(talks):
    """(conversation, prompt, output, whether it follows another) of each answer, by plain loops."""
    rows = []
    for number, talk in enumerate(talks):
        turns = []  # messages in a row of one side are one
        for who, tokens in talk:
            answer = who.lower() == "gpt"
            if turns and turns[-1][0] == answer:
                turns[-1][1] += tokens
            else:
                turns.append([answer, tokens])
        history, asked = 0, False
        for place, (answer, tokens) in enumerate(turns):
            if answer and place:
                rows.append((number, history, tokens, asked))
                asked = True
            history += tokens
    return rows


@settings(max_examples=60)
@given(talks=st.lists(st.lists(MESSAGE, max_size=6), min_size=1, max_size=6), lines=st.booleans())
def test_conversations_are_the_requests_of_their_answers(talks, lines, tmp_path_factory):
    rows = asked_and_answered(talks)
    if not rows or not talks[0]:
        return
    records = [{"id": "x", "conversations": [{"role": w, "length": n} for w, n in talk]} for talk in talks]
    path = tmp_path_factory.mktemp("talks") / "t.json"
    path.write_text("\n".join(map(json.dumps, records)) if lines else json.dumps(records))
    trace = open_trace(path, block_tokens=7)
    assert trace.prompt_tokens.tolist() == [row[1] for row in rows]
    assert trace.output_tokens.tolist() == [row[2] for row in rows]
    assert trace.after.tolist() == [i - 1 if row[3] else -1 for i, row in enumerate(rows)]
    owner = {}
    for i, (number, prompt, _, _) in enumerate(rows):
        blocks = trace.block_ids[trace.block_offsets[i] : trace.block_offsets[i + 1]].tolist()
        assert len(blocks) == -(-prompt // 7)
        for place, block in enumerate(blocks):
            mine = (number, place) if place < prompt // 7 else (number, place, i)
            assert owner.setdefault(block, mine) == mine
    assert len(owner) == len(set(owner.values()))
    some = open_trace(path, block_tokens=7, limit=2)
    assert some.prompt_tokens.tolist() == [row[1] for row in rows[:2]]


@pytest.mark.skipif(not MEASURED.exists(), reason="the measured run is not beside the repository (../shared/measured)")
def test_the_measured_run():
    trace = open_trace(MEASURED)
    plain = [json.loads(line) for line in MEASURED.read_text().splitlines()]
    assert len(trace) == 300
    assert trace.prompt_tokens.tolist() == [row["input_toks"] for row in plain]
    assert trace.output_tokens.tolist() == [row["output_toks"] for row in plain]
    arrivals = np.array([row["arrival_time"] for row in plain]) - plain[0]["arrival_time"]
    assert trace.time_ps / 1e12 == pytest.approx(arrivals, abs=1e-6)


@pytest.mark.skipif(not SHARED.is_dir(), reason="the real traces are not beside the repository (../shared/traces)")
def test_azure_as_requests_of_any_table():
    path = SHARED / "traces" / "azure_llm_2023_conv.csv"
    as_azure, as_table = open_trace(path, limit=2000), open_trace(path, limit=2000, format="burstgpt")
    assert as_azure.fingerprint() == as_table.fingerprint()
