"""Prefetchers in scenario files: both ways of writing one, the hash, and one clear line for each mistake."""

from __future__ import annotations

from pathlib import Path

import jsonschema
import pytest

from hiersim.config import load
from hiersim.config.schema import schema
from hiersim.errors import ConfigError

START = "machine: h100-sxm-cxl\ntrace: x.parquet\ntiers:\n"


@pytest.fixture
def write(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def write(rules):
        Path("s.yaml").write_text(START + rules)
        return "s.yaml"

    return write


@pytest.mark.parametrize("text", ["leap:window=16,outstanding=8", "{name: leap, params: {window: 16}, outstanding: 8}"])
def test_both_ways_of_writing_one(write, text):
    rules = load(
        write(f"  hbm: {{prefetch: '{text}'}}\n" if text[0] != "{" else f"  hbm: {{prefetch: {text}}}\n")
    ).tiers
    assert (rules["hbm"].prefetch.spec, rules["hbm"].prefetch.outstanding) == ("leap:window=16", 8)


def test_the_default_limit_and_a_users_file(write):
    Path("mine.py").write_text("")
    rules = load(write("  hbm: {prefetch: ./mine.py}\n")).tiers
    assert rules["hbm"].prefetch.outstanding == 32
    assert Path(rules["hbm"].prefetch.name).name == "mine.py"


def test_the_hash_knows_prefetchers(write):
    plain = load(write("  hbm: {}\n")).scenario_hash
    assert load(write("  hbm: {prefetch: null}\n")).scenario_hash == plain
    first = load(write("  hbm: {prefetch: leap}\n")).scenario_hash
    assert len({plain, first, load(write("  hbm: {prefetch: next-n}\n")).scenario_hash}) == 3


@pytest.mark.parametrize(
    ("rules", "line"),
    [
        (
            "  hbm: {prefetch: leep}\n",
            "s.yaml:4  tiers.hbm.prefetch  unknown prefetcher `leep`; did you mean `leap`? "
            "(next-n, stride, leap, successor, layer-ahead, oracle, or a file)",
        ),
        (
            "  hbm: {prefetch: 'leap:windw=3'}\n",
            "s.yaml:4  tiers.hbm.prefetch  `leap` has no parameter `windw`; did you mean `window`? "
            "(it has window, splits, most)",
        ),
        ("  hbm: {prefetch: ./none.py}\n", "s.yaml:4  tiers.hbm.prefetch  no such file: none.py"),
        (
            "  hbm: {}\n  dram: {prefetch: leap}\n",
            "s.yaml:5  tiers.dram.prefetch  only the near tier of a unit prefetches, which is hbm",
        ),
        (
            "  hbm: {prefetch: 'leap:outstanding=many'}\n",
            "s.yaml:4  tiers.hbm.prefetch  outstanding must be a whole number, got `many`",
        ),
    ],
)
def test_mistakes(write, rules, line):
    with pytest.raises(ConfigError) as error:
        load(write(rules))
    assert str(error.value).splitlines() == [line]


def test_the_schema_accepts_both(write):
    check = jsonschema.Draft202012Validator(schema())
    for choice in ("leap", {"name": "leap", "params": {"window": 4}, "outstanding": 3}, None):
        check.validate({"machine": "h100-sxm-cxl", "trace": "x", "tiers": {"hbm": {"prefetch": choice}}})
