"""Closed forms of what flash and DRAM tiers report beside times: bytes programmed, rows opened; and Lambert's W."""

from __future__ import annotations

import math

import pytest
from oracle.core.effects_nand import amplification, lambert
from oracle.core.small import FAR, NEAR, STREAM, a_machine, run

from hiersim.machine.effects import Nand


@pytest.mark.parametrize("w", [-0.999, -0.9, -0.5, -0.1, -1e-6, 0.0])
def test_lambert_inverts_w_exp_w(w):
    assert lambert(w * math.exp(w)) == pytest.approx(w, abs=1e-10)


@pytest.mark.parametrize("spare", [0.07, 0.28, 1.0])
def test_many_writes_per_block_tend_to_the_limit_and_one_is_never_moved(spare):
    """Where a share v of a cleaned block is valid, alpha = -ln v / (1 - v), and 1 / (1 - v) is written."""
    nand = {"dies": 1, "page": 10, "read": 1, "unit": 10, "over_provisioning": spare}
    limit = amplification(Nand(**nand), 10)
    valid = 1 - 1 / limit
    assert -math.log(valid) * limit == pytest.approx(1 + spare, rel=1e-5)
    blocks = [amplification(Nand(**nand, erase_block=10 * n), 10) for n in (1, 4, 16, 10**6)]
    assert blocks[0] == 1.0
    assert blocks == sorted(blocks)
    assert blocks[-1] == pytest.approx(limit, rel=1e-4)


def test_writes_program_whole_mapping_units_and_what_is_moved():
    """Half of a cleaned block is valid where alpha = 2 ln 2, so every byte is programmed twice."""
    nand = {"dies": 1, "page": 64, "read": 1, "program": 64, "unit": 64, "over_provisioning": 2 * math.log(2) - 1}
    outcome = run(a_machine(near={"nand": nand}), [0], 100, write=1)
    assert outcome.tiers[NEAR].programmed_bytes == 256.0
    assert outcome.elapsed_ps == 256
    aligned = run(a_machine(near={"nand": nand | {"alignment": 4, "erase_block": 192}}), [0], 100, write=1)
    assert aligned.tiers[NEAR].programmed_bytes == 160.0  # 2.5 units; a block holds one write and is overwritten whole
    assert outcome.tiers[FAR].programmed_bytes == 0


@pytest.mark.parametrize(("size", "rows"), [(1, 1), (64, 1), (65, 2), (256, 4), (4096, 4), (4097, 8)])
def test_rows_open_once_per_visit_until_all_banks_have_one(size, rows):
    far = {"activation": {"energy": 1500.0, "visit": 64, "row": 1024, "banks": 4}}
    outcome = run(a_machine(far=far), [0, 0], size, STREAM)
    assert outcome.tiers[FAR].activations == 2 * rows
    assert outcome.energy_j == {"tiers.far.activation": pytest.approx(2 * rows * 1.5e-9)}
