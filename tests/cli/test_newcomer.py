"""Mistakes of a first hour: the right file for another command, requests that cannot be served, pictures not drawn."""

import re

import pytest
from cli.conftest import SCENARIO, snapshot

SERVING = """\
machine: rtx-4090
trace: {generate: {kind: requests, params: {requests: 5, prompt_tokens: 200, output_tokens: 20}}}
serve: {model: llama-3.1-8b, kv_pages: 2588}
tiers:
  gddr: {policy: lru}
"""
SWEEP = "scenario: s.yaml\nvary: {seed: [1, 2]}\n"
SEARCH = "scenario: s.yaml\nspace: {seed: [1, 2]}\nminimise: [elapsed_ps]\n"


@pytest.fixture
def call(cli, tmp_path):
    """Run a command that must fail with one line, beside a scenario, a serving one, a sweep and a search."""
    texts = {"s.yaml": SCENARIO, "serve.yaml": SERVING, "sweep.yaml": SWEEP, "search.yaml": SEARCH}
    for name, text in texts.items():
        (tmp_path / name).write_text(text)

    def failing(command):
        before = snapshot(tmp_path)
        code, out, err = cli(*command.split())
        lines = [line for line in err.splitlines() if not line.startswith("compiling")]
        assert (code, out, len(lines)) == (2, "", 2), err
        assert re.fullmatch(r"1 mistake, nothing was (run|done)\.", lines[1])
        assert snapshot(tmp_path) == before
        return lines[0]

    return failing


@pytest.mark.parametrize(
    ("command", "line"),
    [
        ("run sweep.yaml", "sweep.yaml  is a sweep, not a scenario; `hiersim sweep sweep.yaml` is for it"),
        ("check search.yaml", "search.yaml  is a search, not a scenario; `hiersim search search.yaml` is for it"),
        ("sweep s.yaml", "s.yaml  is a scenario, not a sweep; `hiersim run s.yaml` is for it"),
        ("search sweep.yaml", "sweep.yaml  is a sweep, not a search; `hiersim sweep sweep.yaml` is for it"),
        ("replay s.yaml", "s.yaml: is a description, not a trace; a scenario is for `hiersim run s.yaml`"),
        ("mrc s.yaml", "s.yaml: is a description, not a trace; a scenario is for `hiersim run s.yaml`"),
        ("replay x.bin --out x.gif", "--out  pictures are drawn as .png or .svg, not as .gif: x.gif"),
        ("mrc x.bin --out x.pdf", "--out  pictures are drawn as .png or .svg, not as .pdf: x.pdf"),
    ],
)
def test_the_right_command_is_named(call, command, line):
    assert call(command) == line


@pytest.mark.parametrize(
    ("set", "pattern"),
    [
        ("serve.model=lama", r"--set  serve\.model  unknown model `lama`; did you mean `llama-7b`\? .*"),
        (
            "serve.model=llama-3.1-70b",
            r"--set  serve\.model  weights of 131\.4 GiB in bf16 do not fit gddr .*",
        ),
        ("serve.kv_pool=2GiB", r"--set  serve\.kv_pool  give either `kv_pages` or `kv_pool`"),
        ("serve.unit=cpu0", r"--set  serve\.unit  no unit `cpu0`; did you mean `gpu0`\? .*"),
        ("serve.ranks=2", r"serve\.yaml:3  serve\.rank_link  is needed: 2 ranks add up numbers over a link"),
        ("serve.rank_link=pci", r"--set  serve\.rank_link  no link `pci`; did you mean `pcie`\? .*"),
        ("tiers.gddr.policy=opt", r"--set  tiers\.gddr\.policy  `opt` must know the future, which serving does not.*"),
        ("serve.kv_pages=2", r"serve\.yaml:3  serve  all 5 requests are rejected: the shortest has .* KV holds 32"),
        ("serve.max_tokens=10", r"serve\.yaml:3  serve  all 5 requests are rejected: .* allows 10, and .*"),
    ],
)
def test_what_cannot_be_served(call, set, pattern):
    line = call(f"run serve.yaml --set {set}")
    assert re.fullmatch(pattern, line.replace("--set    ", "--set  ")), line


def test_what_is_said_of_a_replay_has_no_effect_on_serving(cli, tmp_path):
    (tmp_path / "serve.yaml").write_text(SERVING)
    code, _, err = cli("check", "serve.yaml", "--set", "replay.streams=3", "--set", "replay.limit=4")
    assert (code, err) == (0, "warning: replay.streams  has no effect where requests are served\n")


def test_the_list_of_commands_fits_a_terminal(cli, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    code, out, _ = cli("--help")
    assert code == 0
    assert out.count("...") == 1, "what a command does is one short line"  # that of the usage


def test_nothing_asked_is_no_mistake_to_explain(cli):
    code, out, err = cli()
    assert (code, out) == (2, "")
    assert err.count("hiersim --help") == 0
    assert "Commands:" in err
