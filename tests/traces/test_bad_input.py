"""Whatever is wrong with a file costs one line that names the file, the place and the remedy; nothing else happens."""

import gzip
import os
import subprocess
import sys

import numpy as np
import pytest
import zstandard

from hiersim.errors import ConfigError, OutputError, TraceError
from hiersim.traces import AccessTrace, generate, iter_chunks, open_trace, write_trace
from hiersim.traces.formats.oracle_general import RECORD


def packed(*rows):
    return np.array(list(rows), RECORD).tobytes()


def squeezed(data, checksum=False):
    return zstandard.ZstdCompressor(write_checksum=checksum).compress(data)


NOISE = np.random.default_rng(1).integers(128, 256, 6000, np.uint8).tobytes()
GOOD = packed((1, 5, 10, -1), (2, 6, 10, -1))
BROKEN_ZST = bytearray(squeezed(NOISE, checksum=True))
BROKEN_ZST[3000] ^= 1
LINE = '{"timestamp": 3, "input_length": 10, "output_length": 5, "hash_ids": [1, 2]}\n'
AZURE = "TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:17:03.97,1,2\n"
BENCH = '{"time": 1, "input_len": 5, "output_len": 6}\n'
BURST = "Timestamp,Request tokens,Response tokens\n5,1,2\n"
TALK = '[{"conversations": [{"from": "human", %s}, {"from": "gpt", "tokens": 3}]}]'

FILES = {
    "cut.bin": (GOOD[:40], "cut short, or not of this format: 1 whole records of 24 bytes and 16 bytes"),
    "cut_inside.bin.zst": (squeezed(GOOD[:30]), "1 whole records of 24 bytes and 6 bytes"),
    "cut.bin.zst": (squeezed(NOISE)[:3000], "compressed data is damaged or cut short (it ends inside a frame)"),
    "damaged.bin.zst": (bytes(BROKEN_ZST), "compressed data is damaged or cut short"),
    "cut.csv.gz": (gzip.compress(NOISE)[:1000], "compressed data is damaged or cut short"),
    "empty.csv": (b"", "the file is empty"),
    "noise": (NOISE, "of no known format; name one as in csv:noise; the formats are parquet, oracle_general, vllm"),
    "noise.csv": (NOISE, ":1: not text"),
    "noise.jsonl": (NOISE, ":1: not text"),
    "noise.parquet": (b"PAR1" + NOISE, "not a readable Parquet file"),
    "back.bin": (packed((5, 5, 1, -1), (2, 6, 1, -1)), "record 2: time goes backwards, from 5 to 2; sort"),
    "back.csv": ("time,id,size\n5,1,1\n\n4,2,1\n", "back.csv:4: time goes backwards, from 5 to 4"),
    "back.jsonl": (LINE + LINE.replace("3,", "1,", 1), "back.jsonl:2: time goes backwards, from 3 to 1"),
    "far.csv": ("time,id,size\n0,1,1\n99999999999,1,1\n", "far.csv:3: 1,157,407 days after the first record"),
    "endless.csv": ("time,id,size\n0.5,1,1\ninf,1,1\n", "endless.csv:3: time is not a finite number"),
    "negative.csv": ("id,size\n1,5\n2,-5\n", "negative.csv:3: size -5; sizes are 1 to 2^56 bytes"),
    "zero.csv": ("id,size\n1,0\n", "zero.csv:2: size 0; sizes are 1 to 2^56 bytes"),
    "zero.bin": (packed((5, 5, 0, -1)), "record 1: size 0; sizes are 1 to 2^56 bytes"),
    "huge.csv": ("id,size\n1,1000000000000000000\n", "size 1000000000000000000; sizes are 1 to 2^56 bytes"),
    "beyond.csv": ("id,size\n1,99999999999999999999\n", "size must be an integer below 2^63"),
    "sizeless.csv": ("time,id\n1,2\n", "the trace has no sizes; set block_bytes, or ignore_size"),
    "idless.csv": (
        "time,obj-idd\n1,3\n",
        "no column holds the object ids, such as id, obj_id or key; did you mean `obj-idd`?",
    ),
    "twice.csv": ("id,id\n1,1\n", "two columns are named `id`"),
    "fraction.csv": ("id,size\n1,1.5\n", "fraction.csv:2: size must be an integer below 2^63, got `1.5`"),
    "word.csv": ("id,size\n1,1\nx,1\n", "word.csv:3: id must be an integer as the ids before it"),
    "hole.csv": ("id,size\n1,\n", "hole.csv:2: size is empty"),
    "short.csv": ("id,size\n1,1\n2\n", "short.csv:3: 1 fields, expected 2"),
    "long.csv": ("id,size\n1,1\n2,3,4\n", "long.csv:3: 3 fields, expected 2"),
    "quote.csv": ('id,size\n1,"1\n', "is a quote left open?"),
    "operation.csv": ("id,size,op\n1,1,read\n2,1,frob\n", "operation.csv:3: op must be one of read, r, get"),
    "stream.csv": ("id,size,stream\n1,1,-1\n", "stream must be 0 to 2^31 - 1, got -1"),
    "control.csv": ("id,size\n1,\x01\n", "size must be an integer below 2^63, got `?`"),
    "header.csv": ("time,id,size\n", "no records"),
    "broken.jsonl": (LINE + '{"timestamp": 1, \n' + LINE, "broken.jsonl:2: not a JSON object"),
    "list.jsonl": (LINE + "[1]\n", "list.jsonl:2: expected an object with timestamp, input_length"),
    "hashless.jsonl": (LINE.replace("hash_ids", "hash_id"), "`hash_ids` is missing; did you mean `hash_id`?"),
    "hashes.jsonl": (LINE.replace("[1, 2]", "[1, null]"), "`hash_ids` must be a list of integers"),
    "fraction.jsonl": (
        LINE + LINE.replace("10", "10.5"),
        "fraction.jsonl:2: `input_length` must be an integer, got 10.5",
    ),
    "tokens.jsonl": (LINE.replace("10", "-10"), "`input_length` must be 0 to 1,000,000,000 tokens, got -10"),
    "column.csv": (AZURE.replace("Context", "Contxt"), "no column `ContextTokens`; did you mean `ContxtTokens`?"),
    "date.csv": (AZURE + "yesterday,1,2\n", "date.csv:3: TIMESTAMP must be a date such as 2023-11-16"),
    "word.jsonl": (
        BENCH + BENCH.replace("5", '"5"'),
        "word.jsonl:2: `input_len` must be an integer of 0 to 1,000,000,000",
    ),
    "part.jsonl": (BENCH + BENCH.replace("5", "5.5"), "part.jsonl:2: `input_len` must be an integer"),
    "less.jsonl": (
        BENCH + "\n" + BENCH.replace("5", "-5"),
        "less.jsonl:3: a prompt has 0 to 1,000,000,000 tokens, got -5",
    ),
    "fewer.jsonl": (BENCH + '{"time": 1, "input_len": 5}\n', "fewer.jsonl:2: `output_len` is missing"),
    "one.jsonl": ('{"input_len": 5, "outputs": 6}\n', "no column holds the tokens of answers, such as output_tokens"),
    "text.jsonl": (BENCH + "text\n", "text.jsonl:2: not a JSON object"),
    "when.jsonl": (BENCH + BENCH.replace("1,", '"x",'), 'when.jsonl:2: `time` must be a number, got "x"'),
    "earlier.jsonl": (BENCH + BENCH.replace("1,", "0,"), "earlier.jsonl:2: time goes backwards, from 1.0 to 0.0"),
    "lists.json": (
        '{"input_lens": [1, 2], "output_lens": [3]}',
        "lists of different lengths (input_lens 2, output_lens 1)",
    ),
    "words.json": ('{"input_lens": [1], "output_lens": ["a"]}', "`output_lens` must be a list of numbers"),
    "cut.json": ('{"input_lens": [1, 2', "not a JSON object"),
    "open.json": ("[[1, 2], [3, 4]", "entry 2: the array is cut short"),
    "closed.json": ("[[1, 2]] [[3, 4]]}", "a bracket is closed that was not opened"),
    "behind.json": ("[[1, 2]] x", "there is more behind the end of the array"),
    "nothing.json": ("[]", "no records"),
    "triple.json": ("[[1, 2],[3, 4, 5]]", "entry 2: expected a pair of integers [prompt, answer]"),
    "half.json": ("[[1, 2],[3, 4.5]]", "entry 2: expected a pair of integers [prompt, answer]"),
    "names.json": ('["a"]', "entry 1: expected an object or a pair"),
    "short.json": (
        '[{"prompt_len": 5, "output_len": 7},{"prompt_len": 5}]',
        "entry 2: `output_len` must be an integer, got null",
    ),
    "texts.json": (
        TALK % '"value": "hi"',
        "messages have no lengths: one of tokens, num_tokens, length, len must be the",
    ),
    "minus.json": (
        TALK % '"tokens": -1',
        "entry 1: a message needs `from`, and `tokens` of 0 to 1,000,000,000 tokens, got",
    ),
    "whose.json": (
        (TALK % '"tokens": 1').replace("from", "frm"),
        "messages do not say whose they are: one of from, role",
    ),
    "alone.json": (
        (TALK % '"tokens": 1').replace("gpt", "human"),
        "no records: no message is an answer (of gpt, assistant)",
    ),
    "talk.json": ('[{"conversations": 5}]', "entry 1: `conversations` must be a list of messages"),
    "late.csv": (BURST + "4,1,2\n", "late.csv:3: time goes backwards, from 5 to 4"),
    "asked.csv": (BURST + "6,x,2\n", "asked.csv:3: Request tokens must be an integer below 2^63, got `x`"),
    "answers.csv": (BURST + "6,1,-2\n", "answers.csv:3: an answer has 0 to 1,000,000,000 tokens, got -2"),
    "azure.csv": (AZURE.replace(",1,", ",-1,"), "azure.csv:2: ContextTokens must not be negative, got -1"),
}


@pytest.mark.parametrize("name", FILES)
def test_a_bad_file_costs_one_line(tmp_path, name):
    content, message = FILES[name]
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(TraceError) as caught:
        open_trace(path)
    line = str(caught.value)
    assert message in line
    assert str(path) in line
    assert "\n" not in line
    assert line.isprintable()
    assert os.listdir(tmp_path) == [name]


OPTIONS = {
    "format": ({"format": "cvs"}, "unknown trace format `cvs`; did you mean `csv`?"),
    "option": ({"blok_bytes": 1}, "unknown option `blok_bytes` for reading a trace; did you mean `block_bytes`?"),
    "unit": ({"time_unit": "m"}, "time_unit `m` is not one of s, ms, us, ns, ps"),
    "limit": ({"limit": 0}, "limit must be at least 1, got 0"),
    "column": ({"columns": {"id": "idd"}}, "no column `idd` for id; did you mean `id`?"),
    "role": ({"columns": {"idd": "id"}}, "no column role `idd`; did you mean `id`?"),
    "number": ({"columns": {"id": 7}}, "no column 7 for id; there are 2, counted from 0"),
}


@pytest.mark.parametrize("name", OPTIONS)
def test_a_bad_option_costs_one_line(tmp_path, name):
    options, message = OPTIONS[name]
    (tmp_path / "t.csv").write_text("id,size\n1,1\n")
    with pytest.raises((TraceError, ConfigError)) as caught:
        open_trace(tmp_path / "t.csv", **options)
    assert message in str(caught.value)


def test_missing_files_name_the_nearest(tmp_path):
    (tmp_path / "trace.csv").write_text("id,size\n1,1\n")
    with pytest.raises(TraceError, match=r"no such file; did you mean `trace.csv`\?"):
        open_trace(tmp_path / "trcae.csv")
    with pytest.raises(TraceError, match="no folder"):
        open_trace(tmp_path / "nowhere" / "trace.csv")
    with pytest.raises(TraceError, match="a folder, not a trace file"):
        open_trace(tmp_path)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_unreadable_files(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("id,size\n1,1\n")
    path.chmod(0)
    with pytest.raises(TraceError, match="permission is denied"):
        open_trace(path)


def test_permission_is_reported_where_access_is_denied(tmp_path, monkeypatch):
    path = tmp_path / "t.csv"
    path.write_text("id,size\n1,1\n")
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(TraceError, match="permission is denied"):
        open_trace(path)


def test_requests_are_not_streamed_and_azure_has_no_blocks(tmp_path):
    (tmp_path / "a.csv").write_text(AZURE)
    with pytest.raises(TraceError, match="opened whole"):
        next(iter_chunks(tmp_path / "a.csv"))
    with pytest.raises(TraceError, match="no prefix blocks"):
        open_trace(tmp_path / "a.csv", block_bytes=1)


def test_what_is_wrong_can_be_passed_over(tmp_path):
    (tmp_path / "t.csv").write_text("time,id,size\n9,1,0\n5,2,-3\n")
    trace = open_trace(tmp_path / "t.csv", ignore_size=True, ignore_time=True, block_bytes=64)
    assert trace.size.tolist() == [64, 64]
    assert trace.time_ps.tolist() == [0, 0]


WRITES = {
    "folder": ("nowhere/t.parquet", OutputError, "no folder"),
    "in the way": (".", OutputError, "a folder is in the way"),
    "ending": ("t.xyz", TraceError, "the name does not tell the format"),
}


@pytest.mark.parametrize("name", WRITES)
def test_bad_targets(tmp_path, name):
    target, kind, message = WRITES[name]
    with pytest.raises(kind, match=message):
        write_trace(
            generate("loop", accesses=9, objects=3), tmp_path / target, format=None if "t" in target else "parquet"
        )


def test_formats_refuse_what_they_cannot_hold(tmp_path):
    for trace, message in [
        (AccessTrace.build([0], 2**33), "sizes below 4 GiB"),
        (generate("chat", sessions=2), "holds accesses"),
    ]:
        with pytest.raises(TraceError, match=message):
            write_trace(trace, tmp_path / "t.bin")
    double = AccessTrace.build(
        [0, 1],
        5,
        {"original_id": [7, 7]},
    )
    with pytest.raises(TraceError, match="share an original id"):
        write_trace(double, tmp_path / "t.parquet")
    assert list(tmp_path.iterdir()) == []


FULL = """
import resource, signal, sys
from hiersim.errors import OutputError
from hiersim.traces import generate, write_trace
trace = generate("zipf", accesses=50_000, objects=20_000)
trace.next_use
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))
try:
    write_trace(trace, sys.argv[1])
except OutputError as why:
    print(why)
"""


@pytest.mark.parametrize("name", ["t.parquet", "t.bin", "t.bin.zst"])
def test_a_full_disk_costs_one_line_and_leaves_the_old_file(tmp_path, name):
    (tmp_path / name).write_bytes(b"old")
    done = subprocess.run([sys.executable, "-c", FULL, tmp_path / name], capture_output=True, text=True, check=True)
    assert "cannot be written" in done.stdout
    assert done.stdout.count("\n") == 1
    assert os.listdir(tmp_path) == [name]
    assert (tmp_path / name).read_bytes() == b"old"


@pytest.mark.parametrize("name", ["pipe.parquet", "pipe.bin"])
def test_pipe_in_the_way_stays_a_pipe(tmp_path, name):
    os.mkfifo(tmp_path / name)
    with pytest.raises(OutputError, match=rf"^\S*{name}: is not a plain file$"):
        write_trace(generate("loop"), tmp_path / name)
    assert (tmp_path / name).is_fifo()
    assert [path.name for path in tmp_path.iterdir()] == [name]
