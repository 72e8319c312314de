"""Neurons from flash: what is loaded is what is active and not in the window, and the window is what stays."""

import numpy as np
import pytest
from workloads.rig import NVME, read_from, run

from hiersim.workloads import generate

SMALL = {"model": "opt-125m", "tokens": 6, "window": 3, "active": 0.05}
LAYERS, NEURONS, H = 12, 3072, 768


def kinds_of(trace):
    """Yield (kind, objects) of each operation."""
    o = trace.operations
    for i, kind in enumerate(o.kind):
        yield trace.header.kinds[kind], o.uses[o.offsets[i] : o.offsets[i + 1]].tolist()


@pytest.mark.parametrize("bundled", [True, False])
@pytest.mark.parametrize("locality", [0.0, 0.8])
def test_the_window_is_what_stays(bundled, locality):
    trace = generate("sparse_flash", **SMALL, bundled=bundled, locality=locality)
    near = set(np.flatnonzero(trace.objects.start >= 0).tolist())
    recent, pieces = [], 1 if bundled else 2
    for kind, objects in kinds_of(trace):
        if kind == "load_neurons":
            assert not near & set(objects)
            near |= set(objects)
        elif kind == "drop_neurons":
            assert near >= set(objects)
            near -= set(objects)
        elif kind == "feed":
            assert near >= set(objects)
            assert len(objects) == pieces * round(0.05 * NEURONS)
            recent.append(set(objects))
    assert near == set().union(*recent[-SMALL["window"] * LAYERS :])


def test_bytes_and_bundles():
    found = {}
    for bundled in (True, False):
        result = run("sparse_flash", near="gddr", bundled=bundled, **SMALL)
        kind = result.operations.kinds["load_neurons"]
        assert kind.moved_bytes == read_from(result, "flash")
        assert kind.busy_ps / 1e12 == pytest.approx(kind.moved_bytes / NVME, rel=1e-3)
        found[bundled] = kind.moved_bytes
        whole = LAYERS * 4 * (8 * H * H + 5 * H + 2 * H)
        assert result.tiers["flash"].peak_bytes == pytest.approx(whole, rel=1e-3)
    assert found[True] == pytest.approx(found[False], rel=1e-3)
    neuron = 4 * (8 * H * H + 5 * H + 2 * H) / NEURONS
    assert found[True] % round(neuron) == 0


def test_locality_saves_reads():
    moved = [
        run("sparse_flash", near="gddr", imbalance=0.5, locality=locality, **SMALL)
        .operations.kinds["load_neurons"]
        .moved_bytes
        for locality in (0.0, 0.9)
    ]
    assert moved[1] < 0.8 * moved[0]
