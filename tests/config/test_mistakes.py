"""Scenarios that are wrong: every mistake in one line, with its file, its line and what would have been right."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hiersim.config import load, load_machine
from hiersim.errors import ConfigError

START = "machine: h100-sxm-cxl\ntrace: x.parquet\n"


def lines(call, *arguments):
    with pytest.raises(ConfigError) as error:
        call(*arguments)
    return str(error.value).splitlines()


@pytest.fixture
def write(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def write(text, name="bad.yaml"):
        data = text if isinstance(text, bytes) else text.encode()
        (tmp_path / name).write_bytes(data)

    return write


def test_all_mistakes_at_once(write):
    write(
        "machine: h100-sxm-cxl\n"
        "trace: {path: x, modle: llama-3.1-8b}\n"
        "replay:\n"
        "  streams: 0\n"
        "tiers:\n"
        "  hbm:   {capacity: 40}\n"
        "  dram:  {capcity: 80 GiB}\n"
        "  cxl:   {policy: fifi, capacity: 1 TiB}\n"
        "  flash:\n"
        "    write: behind\n"
        "  tape:  {}\n"
        "sede: 3\n"
    )
    got = lines(load, "bad.yaml")
    assert got[:5] == [
        "bad.yaml:2  trace.modle  unknown key; did you mean `model`?",
        "bad.yaml:4  replay.streams  expected at least 1, not `0`",
        "bad.yaml:6  tiers.hbm.capacity  `40` has no unit; expected a size, such as `80 GiB`",
        "bad.yaml:7  tiers.dram.capcity  unknown key; did you mean `capacity`?",
        got[4],
    ]
    assert got[4].startswith(
        "bad.yaml:8  tiers.cxl.policy  unknown policy `fifi`; did you mean `fifo`? (hiersim policies"
    )
    assert got[5:] == [
        "bad.yaml:8  tiers.cxl.capacity  1 TiB is more than the 96 GiB that the machine has",
        "bad.yaml:10  tiers.flash.write  `behind` is not one of back, through, around",
        "bad.yaml:11  tiers.tape  no tier `tape` (the machine has hbm, dram, cxl, flash)",
        "bad.yaml:12  sede  unknown key; did you mean `seed`?",
    ]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("trace: x\n", "bad.yaml:1  machine  required key is missing: a catalogue name, a path or a description"),
        ("machine: rtx-4090\n", "bad.yaml:1  trace  required key is missing: a trace's path, or how to make one"),
        ("machine: 5\ntrace: x\n", "bad.yaml:1  machine  expected a catalogue name, a path or a description, not `5`"),
        ("machine: rtx-409\ntrace: x\n", "bad.yaml:1  machine  no machine `rtx-409`; did you mean `rtx-4090`? "
         "(the catalogue has "),
        ("trace: x\nmachine: {extends: rtx4090}\n", "bad.yaml:2  machine.extends  no machine `rtx4090`; did you mean "
         "`rtx-4090`? (the catalogue has "),
        ("trace: x\nmachine: lost.yaml\n", "bad.yaml:2  machine  no such file: lost.yaml"),
        ("trace: x\nmachine: {extends: [a]}\n", "bad.yaml:2  machine.extends  expected a machine's name or path"),
        ("extends: lost.yaml\n", "bad.yaml:1  extends  no such file: lost.yaml"),
        ("extends: bad.yaml\n", "bad.yaml:1  extends  extends itself: bad.yaml -> bad.yaml"),
        ("extends: [a]\n", "bad.yaml:1  extends  expected the path of another scenario"),
        ("machine: rtx-4090\ntrace: {}\n",
         "bad.yaml:2  trace  needs either `path`, a trace's file, or `generate`, how to make one"),
        ("machine: rtx-4090\ntrace:\n", "bad.yaml:2  trace  expected a mapping of keys to values, not nothing"),
        (START + "tiers: 5\n", "bad.yaml:3  tiers  expected a mapping of keys to values, not `5`"),
        (START + "tiers:\n  hbm:\n", "bad.yaml:4  tiers.hbm  expected a mapping of keys to values, not nothing"),
        (START + "tiers:\n  dram: {}\n",
         "bad.yaml:3  tiers  `hbm` is missing: it is the near tier of gpu0, which does the replay"),
        (START + "tiers:\n  dram: {}\n  hbm: {}\n",
         "bad.yaml:4  tiers.dram  stands before the near tier of every unit; list tiers from near to far"),
        (START + "tiers:\n  hbm: {when_full: refuse}\n  dram: {when_full: refuse}\n",
         "bad.yaml:4  tiers.hbm.when_full  `refuse` is for the last tier only, which is dram"),
        (START + "replay: {unit: gpu1}\n", "bad.yaml:3  replay.unit  no unit `gpu1`; did you mean `gpu0`? "
         "(the machine has gpu0)"),
        (START + "classes: {kv: {on_miss: home, home: drm}}\n", "bad.yaml:3  classes.kv.home  no tier `drm`; "
         "did you mean `dram`? (the machine has hbm, dram, cxl, flash)"),
        (START + "classes: {kv: {on_miss: home}}\n",
         "bad.yaml:3  classes.kv  `on_miss: home` needs `home`, the tier that always has these objects"),
        (START + "seed: -1\n", "bad.yaml:3  seed  expected at least 0, not `-1`"),
        (START + "seed: yes\n", "bad.yaml:3  seed  expected a whole number, not `true`"),
        (START + "agents: {kind: x}\n", "bad.yaml:3  agents  expected a list, not a mapping"),
        (
            START + "agents: [{kind: nextn}]\n",
            "bad.yaml:3  agents.0.kind  no agent `nextn`; did you mean `next_n`? (next_n, rebalance, or a file)",
        ),
        (
            START + "classes: {kv: {on_miss: compute, home: flash}}\n",
            "bad.yaml:3  classes.kv  `home` goes with `on_miss: home`; "
            "with `on_miss: compute` the unit makes the objects",
        ),
        (START + "agents: [{kid: x}]\n", "bad.yaml:3  agents.0.kind  required key is missing"),
        (START + "tiers:\n  hbm: {policy: ./lost.py}\n", "bad.yaml:4  tiers.hbm.policy  no such file: lost.py"),
        (START + "tiers:\n  hbm: {policy: 'lru:depth=3'}\n",
         "bad.yaml:4  tiers.hbm.policy  `lru` has no parameter `depth` (it has none)"),
        ("machine: rtx-4090\ntrace: {generate: {kind: zpf}}\n",
         "bad.yaml:2  trace.generate.kind  unknown generator `zpf`; did you mean `zipf`?"),
        ("machine: rtx-4090\ntrace:\n  generate:\n    kind: zipf\n    params: {alhpa: 2}\n",
         "bad.yaml:5  trace.generate.params.alhpa  unknown parameter; did you mean `alpha`?"),
        ("machine: rtx-4090\ntrace: {path: x, model: llama-3-8}\n", "bad.yaml:2  trace.model  "),
        ("machine: rtx-4090\ntrace: {path: x, format: moncake}\n", "bad.yaml:2  trace.format  unknown trace format"),
        ("machine: rtx-4090\ntrace: {path: x, arrivals: 'poison:rate=4'}\n",
         "bad.yaml:2  trace.arrivals  unknown arrival process `poison`; did you mean `poisson`?"),
        ("machine: rtx-4090\ntrace: {path: x, rate_scale: 0}\n",
         "bad.yaml:2  trace.rate_scale  expected at least 1e-06"),
        ("trace: x\nmachine:\n  extends: rtx-4090\n  tiers:\n    gddr: {capacity: 24}\n",
         "bad.yaml:5  machine.tiers.gddr.capacity  `24` has no unit; expected a size, such as `80 GiB`"),
        ("trace: x\nmachine:\n  extends: rtx-4090\n  tiers:\n    gddr:\n      part: gdr6\n",
         "bad.yaml:6  machine.tiers.gddr.part  no part `gdr6`"),
        ("trace: x\nmachine:\n  extends: rtx-4090\n  links: {pcie: null}\n",
         "bad.yaml:2  machine.units.gpu0  no link leads from `gddr` to dram, flash"),
    ],
)  # fmt: skip
def test_one_mistake(write, text, line):
    write(text)
    got = lines(load, "bad.yaml")
    assert got[0].startswith(line)
    assert len(got) <= 2


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", "bad.yaml  is empty"),
        ("# nothing\n", "bad.yaml  is empty"),
        ("- a\n- b\n", "bad.yaml  must be a mapping of keys to values"),
        ("just words\n", "bad.yaml  must be a mapping of keys to values"),
        ("a: 1\n\tb: 2\n", "bad.yaml:2  a tab stands where YAML wants spaces"),
        (
            "a: b: c\n",
            "bad.yaml:1  not YAML: a `:` is not allowed here (check the indentation, or put the text in quotes)",
        ),
        ("a: [1, 2\n", "bad.yaml:2  not YAML: "),
        ("a: 'x\n", "bad.yaml:2  not YAML: "),
        ("a: 1\nb: 2\na: 3\n", "bad.yaml:3  a  key stands here twice (first in line 1)"),
        ("a: {b: 1,\n  c: 2, b: 3}\n", "bad.yaml:2  a.b  key stands here twice (first in line 1)"),
        ("a: 1\n5: x\n", "bad.yaml:2  `5` is not a text, so it cannot be a key; put it in quotes"),
        ("on: x\n", "bad.yaml:1  `on` is not a text, so it cannot be a key; put it in quotes"),
        ("? [a, b]\n: x\n", "bad.yaml:1  a list or mapping is not a text, so it cannot be a key; put it in quotes"),
        ("a: 1\n---\nb: 2\n", "bad.yaml:2  not YAML: expected one document, found another after `---`"),
        ("a: !!python/object:os.system x\n", "bad.yaml:1  not YAML: could not determine a constructor for the tag"),
        ("a: *nobody\n", "bad.yaml:1  not YAML: found undefined alias"),
        ("a: &a [*a]\n", "bad.yaml:1  not YAML: too many values, or anchors that repeat one another"),
        ("a: " + "[" * 5000 + "\n", "bad.yaml:1  not YAML: nested deeper than 40 levels"),
        ("\n".join(" " * level + "a:" for level in range(60)), "bad.yaml:40  not YAML: nested deeper than 40 levels"),
        (b"\x89PNG\r\n\x1a\n\x00\x00\xff\xfe", "bad.yaml  is not a text file"),
        (b"a: \x00\x01\n", "bad.yaml  has a control character; it is not a text file"),
        (b"a: 1\n" * 300_000, "bad.yaml  is too large for a YAML description (over 1 MiB)"),
        ("a: !!binary aGVsbG8=\n", "bad.yaml:1  not YAML: tag:yaml.org,2002:binary is not a value that can stand here"),
        ("a: !!timestamp x\n", "bad.yaml:1  not YAML: tag:yaml.org,2002:timestamp is not a value that can stand here"),
        ("a: !!bool maybe\n", "bad.yaml:1  not YAML: tag:yaml.org,2002:bool is not a value that can stand here"),
        ("a: 0x\n<<: 5\n", "bad.yaml:2  not YAML: expected a mapping or list of mappings for merging"),
    ],
)
def test_bad_files(write, text, line):
    write(text)
    got = lines(load, "bad.yaml")
    assert len(got) == 1
    assert got[0].startswith(line)
    assert len(got[0]) < 200


def test_anchors_cannot_blow_up(write):
    levels = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    levels += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 9)]
    write("\n".join(levels))
    assert "too many values, or anchors that repeat one another" in lines(load, "bad.yaml")[0]


def test_files_that_cannot_be_read(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert lines(load, "lost.yaml") == ["lost.yaml  no such file"]
    (tmp_path / "folder").mkdir()
    assert lines(load, "folder") == ["folder  is a directory; expected a YAML file"]
    assert lines(load, "folder/x.yaml/y.yaml")[0].startswith("folder/x.yaml/y.yaml  no such file")
    assert lines(load, "a" * 5000)[0].endswith("cannot be read (File name too long)")
    assert lines(load, "a\0b")[0].endswith("cannot be read (embedded null byte)")


def test_a_circle_is_shown(write):
    write("extends: b.yaml\n", "a.yaml")
    write("extends: c.yaml\n", "b.yaml")
    write("extends: b.yaml\n", "c.yaml")
    assert lines(load, "a.yaml") == ["c.yaml:1  extends  extends itself: b.yaml -> c.yaml -> b.yaml"]
    write("machine: m.yaml\ntrace: x\n")
    write("extends: n.yaml\n", "m.yaml")
    write("extends: m.yaml\n", "n.yaml")
    assert lines(load, "bad.yaml") == ["n.yaml:1  machine.extends  extends itself: m.yaml -> n.yaml -> m.yaml"]


def test_a_mistake_is_in_the_file_that_made_it(write):
    write(START + "tiers:\n  hbm: {capcity: 1 GiB}\n", "base.yaml")
    write("extends: base.yaml\ntiers:\n  dram: {polcy: lru}\n")
    assert lines(load, "bad.yaml") == [
        "bad.yaml:3  tiers.dram.polcy  unknown key; did you mean `policy`?",
        "base.yaml:4  tiers.hbm.capcity  unknown key; did you mean `capacity`?",
    ]
    write("tiers:\n  hbm: {part: h100-hbm3, capcity: 5}\n", "m.yaml")
    write("machine: m.yaml\ntrace: x\n")
    assert "m.yaml:2  machine.tiers.hbm.capcity  unknown key; did you mean `capacity`?" in lines(load, "bad.yaml")
    assert "m.yaml:2  tiers.hbm.capcity  unknown key; did you mean `capacity`?" in lines(load_machine, "m.yaml")


@pytest.mark.parametrize(
    ("override", "line"),
    [
        ("tiers.dram.capcity=5 GiB", "--set  tiers.dram.capcity  unknown key; did you mean `capacity`?"),
        ("tiers.dram.capacity=512", "--set  tiers.dram.capacity  `512` has no unit; expected a size, such as `80 GiB`"),
        ("sede=3", "--set  sede  unknown key; did you mean `seed`?"),
        ("machine=h100", "--set  machine  no machine `h100`; did you mean `h100-sxm`?"),
        ("machine.tiers.hbm.capcity=3", "--set  machine.tiers.hbm.capcity  unknown key; did you mean `capacity`?"),
        ("seed", '--set  `seed` is not a path and a value; write it as tiers.dram.capacity="512 GiB"'),
        ("=5", '--set  `=5` is not a path and a value; write it as tiers.dram.capacity="512 GiB"'),
        ("tiers..x=5", "--set  tiers..x  has an empty name between its dots"),
        ("seed.x=5", "--set  seed  is not a mapping, so there is no `x` in it"),
        ("seed.x.y=5", "--set  seed  is not a mapping, so there is no `x` in it"),
        ("agents.1.kind=x", "--set  agents  has 1 entries, counted from 0, so there is no `1` in it"),
        ("agents.first.kind=x", "--set  agents  has 1 entries, counted from 0, so there is no `first` in it"),
        ("tiers=5", "--set  tiers  expected a mapping of keys to values, not `5`"),
        ("machine.tiers.hbm.provenance=5", "--set  machine.tiers.hbm.provenance  expected a mapping"),
        ("seed=[1", "--set  seed  not YAML: "),
    ],
)
def test_mistakes_in_overrides(write, override, line):
    write(START + "seed: 1\nagents: [{kind: next_n}]\n")
    got = lines(load, "bad.yaml", [override])
    assert len(got) == 1
    assert got[0].startswith(line)


def test_mistakes_in_overrides_and_in_the_file_come_together(write):
    write(START + "sede: 1\n")
    assert lines(load, "bad.yaml", ["replay.strems=1"]) == [
        "--set  replay.strems  unknown key; did you mean `streams`?",
        "bad.yaml:3  sede  unknown key; did you mean `seed`?",
    ]
    assert len(lines(load, "bad.yaml", ["x", "y", "a..b=1"])) == 3


TEXT = (Path(__file__).parents[2] / "configs" / "kv_tiers.yaml").read_text()
BITS = [
    "{",
    "}",
    "[",
    "]",
    ":",
    ": ",
    ",",
    "&a ",
    "*a",
    "#",
    "'",
    '"',
    "- ",
    "? ",
    "|",
    ">",
    "%",
    "@",
    "!",
    "!!int ",
    "<<: ",
]
BITS += ["\t", "\n", " ", "\x00", "\ufeff", "---\n", "null", "1e9", "-", "..."]
EDIT = st.tuples(st.integers(0, len(TEXT)), st.integers(0, 6), st.sampled_from(BITS))


@settings(
    derandomize=True, max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(EDIT, min_size=1, max_size=4))
def test_any_text_is_a_scenario_or_clear_lines(tmp_path, edits):
    text = TEXT
    for position, removed, inserted in edits:
        text = text[:position] + inserted + text[position + removed :]
    (tmp_path / "edited.yaml").write_text(text)
    try:
        message = load(tmp_path / "edited.yaml").name
    except ConfigError as why:
        message = str(why)
    assert message == "edited" or all("edited.yaml" in line and len(line) < 400 for line in message.splitlines())
