"""The tables that device effects read, filled from the figures of a plan's hops."""

from __future__ import annotations

from typing import Any

import numpy as np

from hiersim.engine import columns as c
from hiersim.engine.plan import PS_PER_S, Hop, Plan
from hiersim.machine.effects import Nand
from hiersim.machine.effects.amplification import write_amplification


def effect_tables(plan: Plan) -> dict[str, Any]:
    """Return the tables of device effects; what a hop lacks stands as 0 there."""
    hops = plan.hops
    caches = [(number, hop) for number, hop in enumerate(hops) if hop.slc is not None and hop.serves[1]]
    return {
        "packet": np.array([_packet(plan, number, hop) for number, hop in enumerate(hops)], np.int64),
        "loaded": np.array([_loaded(hop) for hop in hops], np.float64),
        "turnaround": np.array([1.0 + (hop.turnaround or 0.0) for hop in hops], np.float64),
        "die_cost": np.array([_die_cost(hop.nand) for hop in hops], np.float64),
        "amplification": _amplification(hops),
        "programmed": np.zeros(len(hops)),
        "cache_cost": np.array([hop.slc_cost for hop in hops], np.float64),
        "cache": np.array([_cache(hop) for _, hop in caches], np.float64).reshape(len(caches), c.CACHE_COLUMNS),
        "cache_at": np.array([(plan.bounds.index((number, c.CACHE)), 0) for number, _ in caches], np.int64).reshape(
            len(caches), c.CACHE_PLACES
        ),
    }


def figures(rows: np.ndarray[Any, np.dtype[np.int64]], hops: list[Hop]) -> None:
    """Enter the whole numbers of the effects into the hops' table."""
    for row, hop in zip(rows, hops, strict=True):
        row[c.H_LOADED] = hop.loaded is not None
        if hop.packets is not None:
            row[[c.H_PAYLOAD, c.H_REQUEST]] = hop.packets.max_payload, hop.packets.read_request
        nand, rows_open = hop.nand, hop.activation
        if nand is not None:
            row[[c.H_PAGE, c.H_UNIT, c.H_ALIGNMENT]] = nand.page, nand.unit, nand.alignment or nand.unit
            row[[c.H_BLOCK, c.H_DIES, c.H_SENSE]] = _block(nand), nand.dies, nand.read
        if rows_open is not None:
            row[[c.H_VISIT, c.H_ROW, c.H_BANKS]] = rows_open.visit, rows_open.row, rows_open.banks


def _block(nand: Nand) -> int:
    """Return the erase block when the writes in it matter."""
    return nand.erase_block if nand.erase_block is not None and nand.over_provisioning is not None else 0


def _packet(plan: Plan, number: int, hop: Hop) -> list[int]:
    packets = hop.packets
    if packets is None:
        return [0] * c.PACKET_COLUMNS
    header = [packets.completion_header if hop.answers(i) else packets.write_header for i in (0, 1)]
    ask = [packets.request_header if hop.answers(i) else 0 for i in (0, 1)]
    reverse = [plan.link_step[hop.part, 1 - i][0] for i in (0, 1)]
    return [*header, *ask, *reverse]


def _loaded(hop: Hop) -> list[float]:
    if hop.loaded is None:
        return [0.0] * c.LOADED_COLUMNS
    turnaround = -1.0 if hop.turnaround is None else hop.turnaround
    return [float(hop.loaded.rise), float(hop.loaded.mixed_rise), hop.loaded.asymptote, turnaround]


def _die_cost(nand: Nand | None) -> tuple[float, float]:
    return (0.0, 0.0) if nand is None else (nand.read / nand.dies, (nand.program or 0) / nand.dies)


def _amplification(hops: list[Hop]) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return write amplification by hop and writes per erase block; 0 stands for very many."""
    longest = max((_block(hop.nand) // hop.nand.unit for hop in hops if hop.nand is not None), default=0)
    found = np.ones((len(hops), 1 + longest))
    for row, hop in zip(found, hops, strict=True):
        if hop.nand is not None and hop.serves[1]:
            spare = hop.nand.over_provisioning
            row[0] = write_amplification(spare)
            for writes in range(1, 1 + _block(hop.nand) // hop.nand.unit):
                row[writes] = write_amplification(spare, writes)
    return found


def _cache(hop: Hop) -> list[float]:
    slc = hop.slc
    assert slc is not None
    drain = (slc.bandwidth if slc.drain is None else slc.drain) / PS_PER_S
    return [0.0, 0.0, float(slc.capacity), hop.slc_cost, drain, hop.slc_loose]
