"""Rows of tables: what is read is what was chosen, in pages of the drive, and the whole table is there to hold."""

import numpy as np
import pytest
from workloads.rig import NVME, loaded, machine, run, tier

from hiersim.errors import ConfigError
from hiersim.machine import Machine, TierRules
from hiersim.workloads import generate

ROWS, ROW, LOOKUPS, BATCH, STEPS = 5000, 512, 8, 10, 3
SMALL = {"rows": ROWS, "row": ROW, "lookups": LOOKUPS, "batch": BATCH, "steps": STEPS}


def paged():
    """Return the rig's machine, with a drive that reads pages of 4 KiB."""
    plain = machine()
    drive = tier("flash", NVME, 1e14, granularity=4096)
    return Machine(tiers={**plain.tiers, "flash": drive}, links=plain.links, units=plain.units)


def read_rows(trace):
    """Return the objects that each gather reads."""
    o, gather = trace.operations, trace.header.kinds.index("gather")
    return [o.uses[o.offsets[i] : o.offsets[i + 1]].tolist() for i in np.flatnonzero(o.kind == gather)]


@pytest.mark.parametrize("tables", [1, 3])
@pytest.mark.parametrize("alpha", [0.0, 0.9])
def test_rows_come_and_go(tables, alpha):
    params = SMALL | {"tables": tables, "alpha": alpha, "home": "dram"}
    rows = read_rows(generate("table_lookup", **params))
    assert len(rows) == STEPS * tables
    assert all(len(set(step)) == len(step) <= LOOKUPS * BATCH for step in rows)
    result = run("table_lookup", **params)
    assert loaded(result) == ROW * sum(map(len, rows))
    assert result.tiers["dram"].peak_bytes == tables * ROWS * ROW
    assert result.tiers["gddr"].resident_bytes == 0


def test_what_is_kept_comes_once():
    params = SMALL | {"alpha": 0.9, "keep": "yes", "home": "dram"}
    rows = read_rows(generate("table_lookup", **params))
    assert loaded(run("table_lookup", **params)) == ROW * len(set().union(*rows))
    few = {"gddr": TierRules(capacity=LOOKUPS * BATCH * ROW, policy="lru", on_evict="drop")}
    assert ROW * len(set().union(*rows)) < loaded(run("table_lookup", None, few, **params)) <= ROW * sum(map(len, rows))


def test_rows_of_512_bytes_are_read_in_pages_of_4_kib():
    result = run("table_lookup", paged(), **SMALL, home="flash")
    flash = result.tiers["flash"]
    assert flash.read_wire_bytes == 8 * flash.read_total == 8 * loaded(result)
    seconds = result.operations.kinds["gather"].busy_ps / 1e12
    assert seconds == pytest.approx(flash.read_wire_bytes / NVME, rel=1e-3)
    packed = run("table_lookup", paged(), **SMALL | {"row": 4096}, home="flash").tiers["flash"]
    assert packed.read_wire_bytes == packed.read_total


@pytest.mark.parametrize(("row", "sector", "wide"), [(48, 64, 64), (64, 64, 64), (65, 64, 128), (48, 1, 48)])
def test_rows_near_the_unit_fill_sectors(row, sector, wide):
    params = SMALL | {"row": row, "sector": sector, "home": "gddr", "rows": 10**9}  # so many that no two are the same
    kinds = run("table_lookup", **params).operations.kinds
    assert kinds["sum"].read_bytes == STEPS * BATCH * LOOKUPS * wide
    assert "gather" not in kinds


def test_keys_are_scanned_once_for_a_batch():
    keys = run("table_lookup", **SMALL, home="gddr", keys=7000, key_flops=11).operations.kinds["keys"]
    assert (keys.count, keys.read_bytes, keys.flops) == (STEPS, STEPS * 7000, STEPS * BATCH * 11)


def test_a_power_law_repeats_rows():
    counts = [len(set().union(*read_rows(generate("table_lookup", **SMALL, alpha=alpha)))) for alpha in (0, 0.6, 0.95)]
    assert counts == sorted(counts, reverse=True)
    assert counts[2] < 0.5 * counts[0]


@pytest.mark.parametrize(("params", "what"), [({"row": 0}, "must be 1 to"), ({"alpha": 1}, "must be 0 to 0.99")])
def test_mistakes(params, what):
    with pytest.raises(ConfigError, match=what):
        generate("table_lookup", **params)
