"""Bad input: clear lines on standard error, exit code 2, nothing left behind, nothing on standard output."""

import gzip
import json
import os
import random
import re
import stat
import subprocess
import sys

import pytest
from cli.conftest import SCENARIO, records, snapshot

from hiersim.report import files

NOISE = random.Random(7).randbytes(4000)
CSV = "time,id,size\n" + "".join(f"{i},{i % 7},{100 + i % 7}\n" for i in range(50))
REQUEST = '{"timestamp": %s, "input_length": %s, "output_length": 3, "hash_ids": [1, 2]}\n'


def machine(links):
    tier = (
        "{kind: ddr, capacity: 1 GiB, read_bandwidth: 1 GB/s, write_bandwidth: 1 GB/s, read_latency: 1 ns,"
        " write_latency: 1 ns}"
    )
    return (
        f"machine:\n  tiers:\n    near: {tier}\n    far: {tier}\n  links:\n    {links}\n"
        "  units:\n    gpu0: {kind: gpu, tier: near, flops: {bf16: 1 TFLOP/s}}\n"
        "trace: {generate: {kind: zipf}}\n"
    )


def changed(old, new):
    assert old in SCENARIO
    return {"s.yaml": SCENARIO.replace(old, new)}


# name: (files, arguments, one pattern per line before the last; the last one says that nothing was run)
SCENARIOS = {
    "missing": ({}, [r"s\.yaml  no such file"]),
    "directory": ({"s.yaml/x": ""}, [r"s\.yaml  is a directory; expected a YAML file"]),
    "empty": ({"s.yaml": ""}, [r"s\.yaml  is empty"]),
    "binary": ({"s.yaml": NOISE}, [r"s\.yaml  is not a text file"]),
    "list": ({"s.yaml": "- 1\n"}, [r"s\.yaml  must be a mapping of keys to values"]),
    "not yaml": ({"s.yaml": "tiers: [\nseed: 7\n"}, [r"s\.yaml:\d  .*not YAML.*"]),
    "tab": (changed("seed: 7", "\tseed: 7"), [r"s\.yaml:6  a tab stands where YAML wants spaces"]),
    "key twice": (changed("seed: 7", "seed: 7\nseed: 8"), [r"s\.yaml:7  seed  .*twice.*line 6.*"]),
    "unknown key": (changed("seed: 7", "sede: 7"), [r"s\.yaml:6  sede  unknown key; did you mean `seed`\?"]),
    "unknown tier key": (
        changed("capacity: 1 MiB", "capcity: 1 MiB"),
        [r"s\.yaml:4  tiers\.gddr\.capcity  unknown key; did you mean `capacity`\?"],
    ),
    "three at once": (
        {
            "s.yaml": SCENARIO.replace("1 MiB, policy: lru", "1 MiB, policy: lruu").replace("4 MiB", "4 Mib")
            + "sed: 1\n"
        },
        [
            r"s\.yaml:4  tiers\.gddr\.policy    unknown policy `lruu`; did you mean `lru`\? .*",
            r"s\.yaml:5  tiers\.dram\.capacity  unknown unit `Mib`; did you mean `MiB`\? .*",
            r"s\.yaml:7  sed +unknown key; did you mean `seed`\?",
        ],
    ),
    "no unit": (changed("1 MiB", "5"), [r"s\.yaml:4  tiers\.gddr\.capacity  `5` has no unit; .*`80 GiB`"]),
    "other unit": (changed("1 MiB", "3 GB/s"), [r"s\.yaml:4  .*  `3 GB/s` is a bandwidth; expected a size.*"]),
    "negative": (changed("1 MiB", "-1 MiB"), [r"s\.yaml:4  .*  `-1 MiB` is negative; expected a size.*"]),
    "zero": (changed("1 MiB", "0 B"), [r"s\.yaml:4  .*  must be more than 0, such as `80 GiB`"]),
    "enormous": (changed("1 MiB", "1e18 B"), [r"s\.yaml:4  .*  `1e18 B` is out of range; .* at most 64 PiB"]),
    "more than there is": (changed("1 MiB", "100 GiB"), [r"s\.yaml:4  .*  100 GiB is more than the 24 GiB .*"]),
    "less than an object": (
        changed("1 MiB", "2 KiB"),
        [r"s\.yaml:4  tiers\.gddr\.capacity  .*cannot hold the trace's largest object.*"],
    ),
    "unknown machine": (changed("rtx-4090", "rtx-409"), [r"s\.yaml:1  machine  .*did you mean `rtx-4090`\?.*"]),
    "unknown tier": (
        changed("gddr:", "gdr:"),
        [r"s\.yaml:3  tiers      `gddr` is missing: .*", r"s\.yaml:4  tiers\.gdr  .*did you mean `gddr`\?.*"],
    ),
    "disconnected": (
        {"s.yaml": machine("{}").replace("links:\n    {}", "links: {}")},
        [r"s\.yaml:\d+  machine\S*  .*(no way|no route|not connected|cannot be reached|no link).*"],
    ),
    "dangling link": (
        {"s.yaml": machine("pcie: {kind: pcie, between: [near, fur], bandwidth: 1 GB/s, latency: 1 us}")},
        [r"s\.yaml:6  machine\.links\.pcie\S*  .*`fur`.*did you mean `far`\?.*"],
    ),
    "extends itself": (changed("seed: 7", "extends: s.yaml"), [r"s\.yaml:6  extends  extends itself: .*"]),
    "extends in a circle": (
        {"s.yaml": "extends: t.yaml\n", "t.yaml": "extends: s.yaml\n"},
        [r"t\.yaml:1  extends  extends itself: s\.yaml -> t\.yaml -> s\.yaml"],
    ),
    "extends nothing": (changed("seed: 7", "extends: o.yaml"), [r"s\.yaml:6  extends  no such file: o\.yaml"]),
    "unknown generator": (changed("kind: zipf", "kind: zipff"), [r"s\.yaml:2  trace\.generate\.kind  .*`zipf`\?.*"]),
    "unknown parameter": (changed("accesses: 100", "acesses: 100"), [r"s\.yaml:2  .*did you mean `accesses`\?"]),
    "negative parameter": (changed("accesses: 100", "accesses: -5"), [r"s\.yaml:2  .*accesses  must be 1 to .*`-5`"]),
    "no trace": (changed("trace: {", "trace: {} #"), [r"s\.yaml:2  trace  needs either `path`.*"]),
    "missing trace": (changed("{generate: {kind", "{path: no.bin} #"), [r"no\.bin: no such file"]),
    "bad trace": (
        changed("{generate: {kind", "{path: t.csv} #") | {"t.csv": "time,id,size\n0,1,9\n1,2,-5\n"},
        [r"t\.csv:3: size -5; sizes are 1 to 2\^56 bytes.*"],
    ),
    "requests without sizes": (
        changed("{generate: {kind", "{path: t.jsonl} #") | {"t.jsonl": REQUEST % (0, 10)},
        [r"s\.yaml:2  trace\.model  is needed: .*`block_bytes`"],
    ),
    "negative seed": (changed("seed: 7", "seed: -1"), [r"s\.yaml:6  seed  .*0.*`-1`"]),
    "word for a number": (changed("seed: 7", "seed: x"), [r"s\.yaml:6  seed  expected a whole number, not `x`"]),
    "wrong choice": (
        changed("policy: lru}\n  dram", "policy: lru, write: behind}\n  dram"),
        [r"s\.yaml:4  tiers\.gddr\.write  `behind` is not one of back, through, around"],
    ),
    "no streams": (changed("seed: 7", "replay: {streams: 0}"), [r"s\.yaml:6  replay\.streams  .*1.*`0`"]),
    "unknown unit of the machine": (
        changed("seed: 7", "replay: {unit: gpu9}"),
        [r"s\.yaml:6  replay\.unit  no unit `gpu9`; did you mean `gpu0`\?.*"],
    ),
    "home without a home": (
        changed("seed: 7", "classes: {kv: {on_miss: home}}"),
        [r"s\.yaml:6  classes\.kv  `on_miss: home` needs `home`.*"],
    ),
    "missing policy file": (
        changed("policy: lru}\n  dram", "policy: ./mine.py}\n  dram"),
        [r"s\.yaml:4  tiers\.gddr\.policy  no such file: .*mine\.py"],
    ),
    "broken policy file": (
        changed("policy: lru}\n  dram", "policy: ./mine.py}\n  dram") | {"mine.py": "def init(setup)\n"},
        [r"s\.yaml:4  tiers\.gddr\.policy  policy `mine\.py`: expected ':' \(line 1\)"],
    ),
    "policy parameter twice": (
        changed("policy: lru}\n  dram", "policy: 'clock:bits=1,bits=2'}\n  dram"),
        [r"s\.yaml:4  tiers\.gddr\.policy  `clock:bits=1,bits=2`: bits is given twice"],
    ),
    "policy parameter that is a list": (
        changed("policy: lru}\n  dram", "policy: {name: mq, params: {history: [1]}}}\n  dram"),
        [r"s\.yaml:4  tiers\.gddr\.policy  parameter `history` must be a number or a text"],
    ),
    "policy parameter that is no number": (
        changed("policy: lru}\n  dram", "policy: {name: mq, params: {history: .nan}}}\n  dram"),
        [r"s\.yaml:4  tiers\.gddr\.policy  .*history must be a number from -2\^62 to 2\^62, got `nan`"],
    ),
    "bad policy parameter": (
        changed("policy: lru}\n  dram", "policy: 's3fifo:small=7'}\n  dram"),
        [r"s\.yaml:4  tiers\.gddr\.policy  .*small must lie between 0 and 1, got 7\.0"],
    ),
}

TRACES = {
    "missing": ("t.bin", None, [r"t\.bin: no such file"]),
    "directory": ("t.bin/x", "", [r"t\.bin: a folder, not a trace file"]),
    "empty": ("t.csv", "", [r"t\.csv: the file is empty"]),
    "binary garbage": ("t.dat", NOISE, [r"t\.dat: of no known format; .*csv:t\.dat.*"]),
    "cut short": ("t.oracleGeneral.bin", records(50)[:-5], [r".*: cut short.*49 whole records.*19 bytes.*"]),
    "zero size": ("t.oracleGeneral.bin", records(50, size=0), [r".*: record 1: size 0; sizes are 1 to .*"]),
    "time backwards": (
        "t.oracleGeneral.bin",
        records(50, time=lambda i: 50 - i),
        [r".*: record 2: time goes backwards, from 50 to 49; .*"],
    ),
    "negative size": ("t.csv", "time,id,size\n0,1,9\n1,2,-5\n", [r"t\.csv:3: size -5; sizes are 1 to 2\^56 .*"]),
    "size of 10^18": ("t.csv", f"time,id,size\n0,1,{10**18}\n", [rf"t\.csv:2: size {10**18}; sizes are .*"]),
    "size that overflows": ("t.csv", f"time,id,size\n0,1,{10**30}\n", [r"t\.csv:2: size .*"]),
    "csv time backwards": ("t.csv", "time,id,size\n5,1,9\n1,2,9\n", [r"t\.csv:3: time goes backwards, from 5 to 1.*"]),
    "word for a size": ("t.csv", "time,id,size\n5,1,ten\n", [r"t\.csv:2: size must be an integer.*`ten`"]),
    "only a header": ("t.csv", "time,id,size\n", [r"t\.csv: no records"]),
    "cut JSON": ("t.jsonl", REQUEST % (0, 1) + '{"timestamp": 5, "inp\n', [r"t\.jsonl:2: not a JSON object.*"]),
    "JSON time backwards": ("t.jsonl", REQUEST % (9, 1) + REQUEST % (5, 1), [r"t\.jsonl:2: time goes backwards.*"]),
    "negative tokens": ("t.jsonl", REQUEST % (0, -10), [r"t\.jsonl:1: `input_length` must be 0 to .*-10"]),
    "JSON without a key": (
        "t.jsonl",
        '{"timestamp": 0, "hash_ids": [1]}\n',
        [r"t\.jsonl:1: `input_length` is missing.*"],
    ),
    "corrupt parquet": ("t.parquet", b"PAR1" + NOISE[:300] + b"PAR1", [r"t\.parquet: not a readable Parquet file.*"]),
    "corrupt zstd": ("t.bin.zst", b"\x28\xb5\x2f\xfd" + NOISE[:99], [r"t\.bin\.zst: the compressed data is damaged.*"]),
    "cut gzip": ("t.csv.gz", gzip.compress(CSV.encode())[:-20], [r"t\.csv\.gz: the compressed data is damaged.*"]),
    "no blocks": (
        "t.csv",
        "TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:15:46.6805900,374,44\n",
        [r".*the requests name no prefix blocks.*"],
    ),
    "missing field": (
        "t.csv",
        "TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:15:46.6805900,374\n",
        [r"t\.csv:2: 2 fields, expected 3"],
    ),
}

OPTIONS = {
    "capacity 0": (["--capacity", "0"], [r"capacity  must be at least 1, got `0`"]),
    "capacity -1": (["--capacity", "-1"], [r"capacity  must be at least 1, got `-1`"]),
    "capacity abc": (["--capacity", "abc"], [r"capacity  `abc` is not a capacity; expected such as .*`10%`"]),
    "capacity 0%": (["--capacity", "0%"], [r"capacity  `0%` is not a share of the footprint; .*"]),
    "capacity 200%": (["--capacity", "200%"], [r"capacity  `200%` is not a share of the footprint; .*"]),
    "capacity x%": (["--capacity", "x%"], [r"capacity  `x%` is not a share; .*"]),
    "capacity below an object": (["--capacity", "50"], [r"capacity  `50` is 50 B, less than .* \(100 B\)"]),
    "capacity in a rate": (["--capacity", "10 GB/s"], [r"capacity  `10 GB/s` is not a capacity; .*"]),
    "capacity in no unit": (["--capacity", "10 XB"], [r"capacity  unknown unit `XB`; .*"]),
    "capacity beyond 2^62": (["--capacity", "9" * 20], [r"capacity  `9{20}` is out of range; .*"]),
    "bytes without sizes": (["--ignore-size", "--capacity", "4GiB"], [r"capacity  `4GiB` is in bytes, but .*"]),
    "less than one object": (["--ignore-size", "--capacity", "10%"], [r"capacity  `10%` of a footprint of 7 .*"]),
    "several": (
        ["--policy", "siev,lru,fifoo", "--capacity", "abc,1000,0"],
        [
            r"policy    .*`siev`; did you mean `sieve`\?.*",
            r"policy    .*`fifoo`; did you mean `fifo`\?.*",
            r"capacity  `abc` .*",
            r"capacity  .*`0`",
        ],
    ),
    "no parameters": (["--policy", "lru:x=1"], [r"policy    policy `lru:x=1`: it has no parameters", r"capacity  .*"]),
    "word for a parameter": (["-p", "s3fifo:small=abc", "-c", "200"], [r"policy  .*small must be a number, got `abc`"]),
    "no policy": (["--policy", "", "-c", "200"], [r"policy  no policy ``.*"]),
    "policy file missing": (["-p", "./no.py", "-c", "200"], [r"policy  policy `\./no\.py`: no such file"]),
    "policy file raises": (["-p", "./raises.py", "-c", "200"], [r"policy  .*raises\.py`: ValueError: no \(line 1\)"]),
    "policy file lacks": (["-p", "./lacks.py", "-c", "200"], [r"policy  policy `lacks\.py`: no init\(setup\)"]),
    "unknown format": (["--format", "orcle_general"], [r"unknown trace format `orcle_general`; did you mean .*"]),
    "wrong format": (["--format", "mooncake"], [r"t\.csv:1: not a JSON object.*"]),
    "unknown model": (["--model", "llama-3.1-8"], [r"unknown model `llama-3\.1-8`; did you mean `llama-3\.1-8b`\?.*"]),
    "limit 0": (["--limit", "0"], [r"limit must be at least 1, got 0"]),
    "workers 0": (["--workers", "0"], [r"--workers  must be at least 1, got 0"]),
    "seed -1": (["--seed", "-1"], [r"--seed  must be 0 or more, got -1"]),
}  # fmt: skip

OTHER = {
    "no command": (["rnu"], [r"hiersim: no such command `rnu`; did you mean `run`\?", r"\(see hiersim --help\)"]),
    "no option": (
        ["replay", "t.csv", "--polcy", "lru"],
        [r"hiersim replay: no such option: --polcy; did you mean `--policy`\?", r"\(see hiersim replay --help\)"],
    ),
    "word for a count": (["replay", "t.csv", "--limit", "x"], [r"hiersim replay: .*'--limit'.*", r"\(see .*\)"]),
    "no argument": (["run"], [r"hiersim run: missing argument .*FILE.*", r"\(see hiersim run --help\)"]),
    "too many": (["schema", "x"], [r"hiersim schema: .*\bx\b.*", r"\(see hiersim schema --help\)"]),
    "no subcommand": (["trace", "inof"], [r"hiersim trace: .*`inof`; did you mean `info`\?", r"\(see .*\)"]),
    "policy": (["policies", "lruu"], [r".*`lruu`; did you mean `lru`\?.*", r"1 mistake, nothing was done\."]),
    "device": (["devices", "h100-sxn"], [r".*`h100-sxn`; did you mean `h100-sxm`\?.*", r"1 mistake, .*"]),
    "model": (["models", "mistral-7"], [r".*`mistral-7`; did you mean `mistral-7b`\?.*", r"1 mistake, .*"]),
    "info": (["trace", "info", "no.bin"], [r"no\.bin: no such file", r"1 mistake, nothing was done\."]),
    "convert to nothing": (["trace", "convert", "t.csv", "x.foo"], [r"x\.foo: the name does not tell .*", r"1 .*"]),
    "convert to no folder": (
        ["trace", "convert", "t.csv", "no/x.parquet"],
        [r"no/x\.parquet: no folder no", r"nothing was written\."],
    ),
    "convert to a read format": (["trace", "convert", "t.csv", "x", "--to", "mooncake"], [r"`mooncake` is.*", r"1.*"]),
    "convert to a device": (
        ["trace", "convert", "t.csv", "pipe", "--to", "oracle_general"],
        [r"pipe: is not a plain file", r"nothing was written\."],
    ),
    "convert at no rate": (
        ["trace", "convert", "t.csv", "x.parquet", "--rate-scale", "0"],
        [r"rate_scale must be 1e-06 to 1e\+06, got 0\.0", r"1 mistake, nothing was done\."],
    ),
    "convert with lengths": (
        ["trace", "convert", "t.csv", "x.parquet", "--length-scale", "2"],
        [r"length_scale and arrivals are of requests; this trace holds accesses", r"1 mistake, nothing was done\."],
    ),
    "ranks": (
        ["models", "llama-3.1-8b", "--ranks", "3"],
        [r"llama-3\.1-8b: its 32 query heads cannot be split over 3 ranks", r"1 mistake, nothing was done\."],
    ),
    "generate nothing": (["trace", "generate", "zipff", "x.bin"], [r".*`zipff`; .*`zipf`\?.*", r"1 .*"]),
    "generate badly": (
        ["trace", "generate", "zipf", "x.bin", "--set", "accesses=-3", "--set", "alpha=x", "--set", "sise=4"],
        [r"zipf\.accesses  must be 1 .*`-3`", r"zipf\.alpha +expected .*`x`", r"zipf\.sise +.*`size`\?", r"3 mis.*"],
    ),
    "generate without a value": (
        ["trace", "generate", "zipf", "x.bin", "--set", "accesses"],
        [r"--set  `accesses` is not name=value", r"1 mistake, nothing was done\."],
    ),
    "set an unknown key": (
        ["run", "s.yaml", "--set", "tiers.gddr.capcity=1 GiB"],
        [r"--set  tiers\.gddr\.capcity  unknown key; did you mean `capacity`\?", r"1 mistake, nothing was run\."],
    ),
    "set without a value": (
        ["run", "s.yaml", "--set", "tiers.gddr.capacity"],
        [r"--set  .*is not a path and a value; write it as .*", r"1 mistake, nothing was run\."],
    ),
    "set less than an object": (
        ["run", "s.yaml", "--set", "tiers.gddr.capacity=2 KiB"],
        [r"--set  tiers\.gddr\.capacity  .*cannot hold .*", r"1 mistake, nothing was run\."],
    ),
    "picture beneath a file": (
        ["replay", "t.csv", "-c", "200", "--out", "t.csv/x.png"],
        [r"cannot write t\.csv.*", r"nothing was written\."],
    ),
    "json into no folder": (
        ["replay", "t.csv", "-c", "200", "--json", "t.csv/x.json"],
        [r"cannot write t\.csv.*", r"nothing was written\."],
    ),
}  # fmt: skip


def write(folder, contents):
    for name, content in contents.items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())


def check(cli, folder, arguments, patterns):
    before = snapshot(folder)
    code, out, err = cli(*arguments)
    lines = [line for line in err.splitlines() if not line.startswith("compiling for this computer")]
    assert "Traceback" not in err
    assert code == 2
    assert out == ""
    assert len(lines) == len(patterns), err
    for line, pattern in zip(lines, patterns, strict=True):
        assert re.fullmatch(pattern, line), f"{line!r} is not {pattern!r}"
    assert snapshot(folder) == before


def end(count):
    return rf"{count} mistake{'s' * (count != 1)}, nothing was run\."


@pytest.mark.parametrize("name", SCENARIOS)
def test_scenario(cli, tmp_path, name):
    contents, patterns = SCENARIOS[name]
    write(tmp_path, contents)
    check(cli, tmp_path, ["run", "s.yaml"], [*patterns, end(len(patterns))])


@pytest.mark.parametrize("name", TRACES)
def test_trace(cli, tmp_path, name):
    file, content, patterns = TRACES[name]
    if content is not None:
        write(tmp_path, {file: content})
    check(cli, tmp_path, ["replay", file.partition("/")[0]], [*patterns, end(len(patterns))])


@pytest.mark.parametrize("name", OPTIONS)
def test_replay_option(cli, tmp_path, name):
    options, patterns = OPTIONS[name]
    write(tmp_path, {"t.csv": CSV, "raises.py": "raise ValueError('no')\n", "lacks.py": "x = 1\n"})
    check(cli, tmp_path, ["replay", "t.csv", *options], [*patterns, end(len(patterns))])


@pytest.mark.parametrize("name", OTHER)
def test_other_command(cli, tmp_path, name):
    arguments, patterns = OTHER[name]
    write(tmp_path, {"t.csv": CSV, "s.yaml": SCENARIO})
    if "pipe" in arguments:
        os.mkfifo(tmp_path / "pipe")
    check(cli, tmp_path, arguments, patterns)


def test_there_are_enough_cases():
    assert len(SCENARIOS) + len(TRACES) + len(OPTIONS) + len(OTHER) >= 100


def test_an_unreadable_file(cli, tmp_path, monkeypatch):
    path = tmp_path / "t.csv"
    path.write_text(CSV)
    path.chmod(0)
    if os.access(path, os.R_OK):  # root reads everything: ask the mode as others would be judged by it
        monkeypatch.setattr(os, "access", lambda file, how: bool(os.stat(file).st_mode & stat.S_IRUSR))
    code, out, err = cli("replay", "t.csv")
    assert (code, out) == (2, "")
    assert err == "t.csv: not readable; permission is denied\n1 mistake, nothing was run.\n"


@pytest.mark.parametrize("command", [["--json", "r.json"], ["--out", "new/deep"]])
def test_a_full_disk(cli, tmp_path, monkeypatch, command):
    def full(path, content):
        path.touch()
        raise OSError(28, "No space left on device")

    write(tmp_path, {"t.csv": CSV})
    monkeypatch.setattr(files, "_write", full)
    patterns = [r"cannot write \S*: No space left on device", r"nothing was written\."]
    check(cli, tmp_path, ["replay", "t.csv", "--capacity", "200", *command], patterns)


def test_a_full_disk_under_a_trace(cli, tmp_path, monkeypatch):
    def full(source, target):
        raise OSError(28, "No space left on device")

    write(tmp_path, {"t.csv": CSV})
    monkeypatch.setattr(os, "replace", full)
    patterns = [r"x\.parquet: cannot be written: No space left on device", r"nothing was written\."]
    check(cli, tmp_path, ["trace", "convert", "t.csv", "x.parquet"], patterns)


@pytest.mark.parametrize(
    ("option", "given", "what"),
    [
        ("--timeline-window", "5s", r"`5s` is not a stretch of time; expected two times, such as `1 ms\.\.2 ms`"),
        ("--timeline-window", "5s..2s", r"`5s\.\.2s` ends before it starts; .*"),
        ("--timeline-shortest", "5", r"`5` has no unit; expected a time, such as `45 us`"),
    ],
)
def test_a_wrong_time_is_told_at_its_option(cli, tmp_path, option, given, what):
    write(tmp_path, changed("seed: 7", "seed: 8"))
    check(cli, tmp_path, ["run", "s.yaml", option, given], [f"{option}  {what}", "1 mistake, nothing was run."])


def hiersim(folder, *arguments, **options):
    command = [sys.executable, "-m", "hiersim.cli.main", *arguments]
    return subprocess.run(command, cwd=folder, stderr=subprocess.PIPE, text=True, timeout=120, **options)


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full here")
def test_a_full_disk_under_standard_output(tmp_path):
    with open("/dev/full", "w") as full:
        done = hiersim(tmp_path, "schema", stdout=full)
    assert (done.returncode, done.stderr) == (2, "No space left on device\n")


def test_a_closed_pipe_is_silent(tmp_path):
    reader, writer = os.pipe()
    os.close(reader)
    done = hiersim(tmp_path, "schema", stdout=writer)
    os.close(writer)
    assert (done.returncode, done.stderr) == (141, "")


def test_a_terminal_without_unicode_gets_what_it_can_show(tmp_path):
    """Signs that it does not have become question marks; JSON escapes them, so that it stays what it was."""
    write(tmp_path, {"\u00fcber.csv": CSV})
    env = os.environ | {"PYTHONIOENCODING": "ascii"}
    call = ["trace", "info", "\u00fcber.csv"]
    done = hiersim(tmp_path, *call, stdout=subprocess.PIPE, env=env)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("?ber")
    done = hiersim(tmp_path, *call, "--json", "-", stdout=subprocess.PIPE, env=env)
    assert "\u00fcber" in str(json.loads(done.stdout))


def test_the_real_process_says_the_same(tmp_path):
    write(tmp_path, changed("seed: 7", "sede: 7"))
    before = snapshot(tmp_path)
    done = hiersim(tmp_path, "run", "s.yaml", stdout=subprocess.PIPE)
    assert done.stderr == "s.yaml:6  sede  unknown key; did you mean `seed`?\n1 mistake, nothing was run.\n"
    assert (done.returncode, done.stdout) == (2, "")
    assert snapshot(tmp_path) == before


def test_an_interrupt_exits_130(cli, monkeypatch):
    import hiersim.config

    def interrupted():
        raise KeyboardInterrupt

    monkeypatch.setattr(hiersim.config, "schema", interrupted)
    code, out, err = cli("schema")
    assert (code, out, err.strip()) == (130, "", "")


def test_a_broken_law_is_called_a_defect(cli, monkeypatch):
    import hiersim.config
    from hiersim.errors import LawError

    def broken():
        raise LawError("hbm: bytes do not add up")

    monkeypatch.setattr(hiersim.config, "schema", broken)
    code, out, err = cli("schema")
    assert (code, out) == (1, "")
    assert err == "hbm: bytes do not add up\nThis is a defect of hiersim; please report it with the scenario.\n"


def test_a_defect_keeps_its_traceback(cli, monkeypatch):
    import hiersim.config

    monkeypatch.setattr(hiersim.config, "schema", lambda: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        cli("schema")
