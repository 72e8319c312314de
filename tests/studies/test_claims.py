"""The framework of studies: verdicts, descriptions in YAML, the command, and the page that is generated."""

import json
from pathlib import Path

import pytest

from hiersim.cli.main import execute
from hiersim.errors import ConfigError
from hiersim.studies.claim import GRADES, VERDICTS, Study, at_most, between, figure, row, seen
from hiersim.studies.described import described, value
from hiersim.studies.page import page, section
from hiersim.studies.papers import TABLE, find

PAGE = Path(__file__).parents[2] / "docs" / "studies.md"
MOONCAKE = Path(__file__).parents[3] / "shared" / "traces" / "mooncake_conversation.jsonl"
GOOD = """\
title: T
family: F
grade: A
source: S
memory: M
not_ours: N
trace: {keys: [a, b, a, c, a]}
replays: {small: {policy: lru, capacity: 2}}
claims:
  misses: {claimed: 3, simulated: small.misses, tolerance: 0, why: W}
"""
TIMED = """\
title: T
family: F
grade: A
source: S
memory: M
not_ours: N
runs:
  one:
    machine: rtx-4090
    trace: {generate: {kind: loop, params: {accesses: 20, objects: 4, size: 4 KiB}}}
    tiers: {gddr: {capacity: 1 MiB, policy: lru}, dram: {capacity: 4 MiB, policy: lru}}
claims:
  hits: {claimed: 16, simulated: one.tiers.gddr.hits, tolerance: 0, why: all but the first four}
  misses: {claimed: 0.2, simulated: 1 - one.tiers.gddr.hits / one.accesses, tolerance: 1.0e-9, why: the others}
"""


@pytest.fixture
def write(tmp_path):
    def written(text):
        path = tmp_path / "my_study.yaml"
        path.write_text(text)
        return path

    return written


@pytest.mark.parametrize(
    ("finding", "verdict", "deviation"),
    [
        (figure("a", 10, 10, 0, ""), "holds", 0),
        (figure("a", 10, 10.4, 0.05, ""), "holds", 0.04),
        (figure("a", 10, 10.6, 0.05, ""), "differs", 0.06),
        (figure("a", 10, 9.4, 0.05, ""), "differs", -0.06),
        (figure("a", 0, 1, 0.05, ""), "differs", float("inf")),
        (between("a", 4, 2, 8, ""), "bounded", 0),
        (between("a", 1, 2, 8, ""), "differs", 1),
        (between("a", 16, 2, 8, ""), "differs", -0.5),
        (at_most("a", 2, 2, ""), "bounded", 0),
        (at_most("a", 2, 3, ""), "differs", 0.5),
        (seen("a", "it is so", "it is", True, ""), "shown", None),
        (seen("a", "it is so", "it is not", False, ""), "differs", None),
    ],
)
def test_verdicts(finding, verdict, deviation):
    assert finding.verdict == verdict
    assert finding.deviation == (None if deviation is None else pytest.approx(deviation))


def test_a_study_of_a_replay(write):
    study = described(write(GOOD))
    assert (study.name, study.family) == ("my-study", "F")
    assert [row(study, finding) for finding in study.run()] == [
        {
            "name": "my-study/misses",
            "family": "F",
            "grade": "A",
            "claimed": 3.0,
            "simulated": 3.0,
            "deviation": 0.0,
            "tolerance": 0.0,
            "verdict": "holds",
            "note": "W",
        }
    ]


def test_a_study_of_a_scenario(write):
    assert [finding.verdict for finding in described(write(TIMED)).run()] == ["holds", "holds"]


@pytest.mark.parametrize(
    ("before", "after", "what"),
    [
        ("title: T\n", "titel: T\n", "my_study.yaml:1  titel  unknown key; did you mean `title`?"),
        ("family: F\n", "", "`family` is missing"),
        ("grade: A", "grade: D", "my_study.yaml:3  grade  `D` is not one of A, B, C"),
        (", why: W", "", "my_study.yaml:10  claims.misses  `why` is missing"),
        ("small.misses", "small.mises", "no `mises`; did you mean `misses`?"),
        ("small.misses", "smal.misses", "no `smal`; did you mean `small`?"),
        ("small.misses", "small.__class__", "no `__class__`"),
        ("small.misses", "small.misses / 0", "is no arithmetic over results"),
        ("small.misses", "print(1)", "is no arithmetic over results"),
        ("policy: lru", "policy: lur", "no policy `lur`"),
    ],
)
def test_mistakes_are_one_line(write, before, after, what):
    assert before in GOOD
    with pytest.raises(ConfigError) as caught:
        described(write(GOOD.replace(before, after))).run()
    assert what in str(caught.value)
    assert len(caught.value.mistakes) <= 2


def test_arithmetic():
    assert value("2 * a.b / 4 + c ** 2 - 1", {"a": {"b": 6}, "c": 3}) == 11


@pytest.mark.parametrize("name", TABLE)
def test_every_study_is_complete(name):
    study = find(name)
    assert study.name == name
    assert study.grade in GRADES
    assert all((study.title, study.family, study.source, study.memory, study.not_ours))


@pytest.mark.parametrize("name", [name for name in TABLE if find(name).cheap])
def test_the_page_is_current(name, monkeypatch):
    study = find(name)
    if MOONCAKE.exists():
        monkeypatch.setenv("HIERSIM_MOONCAKE", str(MOONCAKE))
    if study.missing():
        pytest.skip(study.missing())
    findings = study.run()
    assert {finding.verdict for finding in findings} <= set(VERDICTS)
    assert section(study, findings) in PAGE.read_text(), "`hiersim studies --page docs/studies.md` renews the page"


def test_the_page_names_every_study():
    nothing = Study("", "", "", "A", "", "", "", run=list)
    head = page([(nothing, [])]).split("| study |")[0]
    assert PAGE.read_text().startswith(head)
    assert [line[3:] for line in PAGE.read_text().splitlines() if line.startswith("## ")] == list(TABLE)


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        ([], "fifo-anomaly"),
        (["fifo-anomaly"], "three-frames  9        9          0%         0%         holds"),
    ],
)
def test_the_command(capsys, words, shown):
    assert execute(["studies", *words]) == 0
    assert shown in capsys.readouterr().out


def test_the_command_writes_json(capsys):
    assert execute(["studies", "fifo-anomaly", "--json", "-"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [each["name"] for each in rows] == ["fifo-anomaly/three-frames", "fifo-anomaly/four-frames"]
    keys = ["name", "family", "grade", "claimed", "simulated", "deviation", "tolerance", "verdict", "note"]
    assert list(rows[0]) == keys


def test_the_command_writes_the_page(tmp_path, capsys):
    assert execute(["studies", "fifo-anomaly", "--page", str(tmp_path / "page.md")]) == 0
    assert section(find("fifo-anomaly"), find("fifo-anomaly").run()) in (tmp_path / "page.md").read_text()


def test_a_study_runs_without_its_trace(monkeypatch, capsys):
    monkeypatch.setenv("HIERSIM_MOONCAKE", "nowhere.jsonl")
    assert execute(["studies", "mooncake-reuse", "--json", "-"]) == 0
    out, err = capsys.readouterr()
    assert [each["name"] for each in json.loads(out)] == ["mooncake-reuse/a-sample"]
    assert "is not here (HIERSIM_MOONCAKE=PATH names it); a generated sample stands in" in err


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["fifo-anomly"], "no study `fifo-anomly`; did you mean `fifo-anomaly`?"),
        (["--family", "caching-teory"], "no family `caching-teory`; did you mean `caching-theory`?"),
    ],
)
def test_unknown_names(capsys, words, told):
    assert execute(["studies", *words]) == 2
    out, err = capsys.readouterr()
    assert (out, told in err) == ("", True)
