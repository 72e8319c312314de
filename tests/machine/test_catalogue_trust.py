"""How far the catalogue can be trusted: every figure with its source, and how many are of which confidence."""

from collections import Counter
from pathlib import Path
from typing import get_args

import pytest
import yaml

from hiersim import units
from hiersim.machine import Confidence, catalogue
from hiersim.machine.catalogue import find_part, part_names

FILES = sorted((Path(catalogue.__file__).parent / "parts").glob("*.yaml"))
ENTRIES = {name: entry for path in FILES for name, entry in yaml.safe_load(path.read_text(encoding="utf-8")).items()}
FURTHER = {  # figures that a run has no place for, and their dimensions
    "drive_writes_per_day": "count",
    "idle_power": "power",
    "leakage": "power",
    "loaded_read_latency": "time",
    "max_power": "power",
    "measured_size": "bytes",
    "reached_read_ops": "ops/s",
    "total_energy": "energy/bit",
}
CHOICES = {"kind", "duplex", "energy_basis", "waiting", "driven_by"}


def flat(figures):
    """Yield the dotted paths and the figures of an entry, those of its groups included; no choices."""
    for field, figure in figures.items():
        if isinstance(figure, dict):
            yield from ((f"{field}.{path}", below) for path, below in flat(figure))
        elif field not in CHOICES:
            yield field, figure


def faults(entry):
    """Return what is wrong with the sources of an entry: one line each."""
    found, used = [], set()
    for group in ("figures", "further"):
        for field, figure in flat(entry.get(group, {})):
            if not isinstance(figure, list) or len(figure) != 2:
                found.append(f"{field} names no source")
            elif figure[1] not in entry["sources"]:
                found.append(f"{field} names a source that is not there")
            else:
                used.add(figure[1])
    for name, source in entry["sources"].items():
        if not str(source.get("source") or "").strip():
            found.append(f"source {name} has no text")
        if source.get("confidence") not in get_args(Confidence):
            found.append(f"source {name} has no confidence")
        if set(source) - {"source", "confidence", "range"}:
            found.append(f"source {name} says more than source, confidence and range")
        if name not in used:
            found.append(f"source {name} is not used")
    return found


def counts(groups):
    return Counter(
        entry["sources"][figure[1]]["confidence"]
        for entry in ENTRIES.values()
        for group in groups
        for _, figure in flat(entry.get(group, {}))
    )


def test_every_part_is_walked():
    assert sorted(ENTRIES) == list(part_names())


@pytest.mark.parametrize("name", sorted(ENTRIES))
def test_every_figure_has_a_source_and_a_confidence(name):
    assert faults(ENTRIES[name]) == []


@pytest.mark.parametrize(
    ("figures", "sources", "fault"),
    [
        ({"latency": "1 us"}, {}, "latency names no source"),
        ({"latency": ["1 us"]}, {}, "latency names no source"),
        ({"latency": ["1 us", "b"]}, {}, "latency names a source that is not there"),
        ({"latency": ["1 us", "a"]}, {"a": {"source": " ", "confidence": "vendor"}}, "source a has no text"),
        ({"latency": ["1 us", "a"]}, {"a": {"source": "x"}}, "source a has no confidence"),
        ({"latency": ["1 us", "a"]}, {"a": {"source": "x", "confidence": "sure"}}, "source a has no confidence"),
        ({"nand": {"dies": 8}}, {}, "nand.dies names no source"),
        ({"nand": {"dies": [8, "b"]}}, {}, "nand.dies names a source that is not there"),
        ({"packets": {"driven_by": "second"}}, {"a": {"source": "x", "confidence": "vendor"}}, "source a is not used"),
        ({"kind": "pcie"}, {"a": {"source": "x", "confidence": "vendor"}}, "source a is not used"),
    ],
)
def test_an_untraced_figure_is_found(figures, sources, fault):
    assert faults({"figures": figures, "sources": sources}) == [fault]


@pytest.mark.parametrize("name", [name for name, entry in ENTRIES.items() if "further" in entry])
def test_further_figures_have_their_units(name):
    for field, (value, _) in ENTRIES[name]["further"].items():
        assert units.parse(str(value), FURTHER[field]) > 0
        assert field not in find_part(name)["figures"]


def test_what_is_recalled_is_an_estimate():
    for name, entry in ENTRIES.items():
        for source in entry["sources"].values():
            if source["source"].startswith("recalled") or source["source"].endswith("recalled, unverified"):
                assert source["confidence"] == "estimate", name


def test_how_many_figures_are_of_which_confidence(capsys):
    found = counts(["figures", "further"])
    with capsys.disabled():
        print("\ncatalogue:", ", ".join(f"{found[word]} {word}" for word in get_args(Confidence)))
    assert found == {"measured": 199, "simulated": 158, "datasheet": 73, "vendor": 104, "estimate": 448}
