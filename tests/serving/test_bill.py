"""The bill of a serving run: money, energy by part and wear, each against its closed form."""

import numpy as np
import pytest
from serving.rig import BLOCK, KV, MACHINE, SECOND, random_trace, rules, run, trace

from hiersim.machine.serving import Prices
from hiersim.report.json import to_json

YEAR = 365.25 * 24 * 3600


def test_money_is_hours_and_energy_by_million_tokens():
    result = run(trace((0, [], 500, 40), (SECOND, [], 200, 60)), kv_pages=400,
                 prices=Prices(machine_per_hour=3.6, energy_per_kwh=0.36))  # fmt: skip
    told = to_json(result)["requests"]
    hours = 3.6 * result.elapsed_ps / 1e12 / 3600
    energy = 0.36 * result.total_energy_j / 3.6e6
    assert told["cost"] == pytest.approx(hours + energy)
    assert told["cost_per_million_tokens"] == pytest.approx(1e6 * (hours + energy) / 100)
    assert hours > energy > 0


def test_energy_per_token_is_that_of_its_parts():
    result = run(trace((0, [], 500, 40)), kv_pages=400)
    told = to_json(result)["requests"]
    assert sum(told["energy_per_token_by_part_j"].values()) == pytest.approx(told["energy_per_token_j"])
    unit = result.units["gpu"]
    assert told["energy_per_token_by_part_j"]["units.gpu.compute"] == pytest.approx(700 * unit.busy_ps / 1e12 / 40)


def flash(endurance):
    worn = MACHINE.tiers["flash"].model_copy(update={"endurance": endurance})
    return MACHINE.model_copy(update={"tiers": MACHINE.tiers | {"flash": worn}})


def test_flash_wears_by_the_blocks_that_are_written_to_it():
    """Twice the writes in the same time halve the years; who writes nothing to flash does not wear it."""
    requests = random_trace(np.random.default_rng(2), 60, SECOND)
    tiers = rules({"write": "through"}, {"capacity": 6 * BLOCK, "inclusion": "inclusive"}, {"capacity": 900 * BLOCK})
    told = []
    for endurance in (1e15, 2e15):
        result = run(requests, tiers, flash(endurance), kv_pages=60)
        row = to_json(result)["tiers"]["flash"]
        written = row["written_bytes"]
        assert written > 10 * BLOCK
        assert written % KV == 0
        assert row["endurance_used"] == pytest.approx(written / endurance)
        assert row["wears_out_years"] == pytest.approx(result.elapsed_ps / 1e12 / YEAR * endurance / written)
        told.append(row["wears_out_years"])
    assert told[1] == pytest.approx(2 * told[0])
    wide = rules(dram={"capacity": 9000 * BLOCK}, flash={"capacity": 900 * BLOCK})
    assert "wears_out_years" not in to_json(run(requests, wide, flash(1e15), kv_pages=60))["tiers"]["flash"]
