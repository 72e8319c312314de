"""A scenario written as YAML reads as the same scenario."""

from pathlib import Path

import pytest

from hiersim.config import load
from hiersim.config.text import scenario_text
from hiersim.machine.catalogue import find_machine, machine_names

ROOT = Path(__file__).parents[2]


def again(scenario, folder):
    path = folder / "again.yaml"
    path.write_text(scenario_text(scenario))
    return load(path)


@pytest.mark.parametrize("path", sorted((ROOT / "configs").glob("*.yaml")), ids=lambda path: path.stem)
def test_the_shipped_scenarios_survive(path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    scenario = load(path, ["outputs.timeline=true", "outputs.timeline_window=1 ms..2.5 s"])
    found = again(scenario, tmp_path)
    assert found == scenario
    assert found.scenario_hash == scenario.scenario_hash


@pytest.mark.parametrize("name", machine_names())
def test_every_figure_of_a_machine_survives_with_its_source(name, tmp_path):
    path = tmp_path / "s.yaml"
    number = next(iter(next(iter(find_machine(name).units.values())).flops))
    trace = "{generate: {kind: zipf}, block_bytes: 4 KiB}"
    path.write_text(f"machine: {name}\ntrace: {trace}\nreplay: {{think: 3 us, dtype: {number}}}\n")
    scenario = load(path)
    found = again(scenario, tmp_path)
    assert found == scenario
    assert found.machine.parts().keys() == scenario.machine.parts().keys()
