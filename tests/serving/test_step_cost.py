"""The compiled cost of a step against its plain twin, against the model's own bytes and FLOPs, and its laws."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from oracle.serving.cost import Step

from hiersim.drivers.serving import columns as c
from hiersim.drivers.serving.cost import step_times
from hiersim.drivers.serving.packing import Formats, pack
from hiersim.errors import ConfigError
from hiersim.machine import Link
from hiersim.machine.catalogue import find_machine
from hiersim.machine.catalogue.kernels import kernels_of
from hiersim.models import Dtypes, find_model, step_work, work_of

MODELS = ("llama-3.1-8b", "mixtral-8x7b", "deepseek-v3", "gemma-2-9b", "gpt-oss-20b", "falcon-mamba-7b", "opt-6.7b")
MACHINES = ("rtx-4090", "h100-sxm")
LINK = Link(kind="nvlink", between=("a", "b"), bandwidth=450e9, latency=2_000_000)
FIELDS = {
    "time": c.TIME, "compute": c.COMPUTE, "memory": c.MEMORY, "link": c.LINK, "flops": c.FLOPS, "weights": c.WEIGHTS,
    "kv_read": c.KV_READ, "kv_written": c.KV_WRITTEN, "activations_read": c.ACTIVATIONS_READ,
    "activations_written": c.ACTIVATIONS_WRITTEN, "link_bytes": c.LINK_BYTES,
}  # fmt: skip
TIMED = ("overhead", "l2_overhead", "sequence", "empty", "depth")
TIMES = ("time", "compute", "memory", "link")


def compiled(packed, batch, sampled):
    """The cost of one batch, a list of (new, before), from the compiled code."""
    decoding = [before for new, before in batch if new == 1]
    chunks = [pair for pair in batch if pair[0] > 1]
    row = [len(decoding), sum(decoding), max(decoding, default=0), len(chunks), sampled]
    new, before = (np.array([[pair[i] for pair in chunks]], np.int64).reshape(1, -1) for i in (0, 1))
    out = np.zeros((1, c.OUT))
    step_times(packed, np.array([row], np.int64), new, before, out)
    return out[0]


def near_of(name):
    machine = find_machine(name)
    unit = machine.units["gpu0"]
    return unit, machine.tiers[unit.tier]


def seconds(group):
    """A group of constants with its times in seconds."""
    return {
        key: value / 1e12 if key in TIMED else value for key, value in group.model_dump(exclude={"provenance"}).items()
    }


def twin(unit, near, work, formats):
    known = kernels_of(unit, near).kernels
    eight, kv_eight = formats.weights == "fp8", formats.kv == "fp8"
    groups = {
        name: getattr(known, name) for name in ("linear", "decode", "prefill", "mixed", "elementwise", "sampling")
    }
    groups["linear"] = (eight and known.linear_8bit) or known.linear
    groups["decode"] = (kv_eight and known.decode_8bit) or known.decode
    kernels = {name: seconds(group) for name, group in groups.items()}
    kernels |= {"l2_capacity": known.l2_capacity, "step": known.step / 1e12}
    sheet = {
        "bandwidth": near.read_bandwidth,
        "flops": unit.flops["bf16"],
        "weight_flops": unit.flops.get(formats.weights, unit.flops["bf16"]),
    }
    return Step(kernels, sheet, work, (LINK.latency / 1e12, LINK.bandwidth))


BATCHES = st.lists(
    st.tuples(st.one_of(st.just(1), st.integers(2, 3000)), st.one_of(st.just(0), st.integers(0, 40_000))), max_size=12
)


@given(
    model=st.sampled_from(MODELS),
    machine=st.sampled_from(MACHINES),
    ranks=st.sampled_from((1, 2, 4)),
    formats=st.sampled_from((("bf16", "bf16"), ("fp8", "bf16"), ("fp8", "fp8"))),
    batch=BATCHES,
    decodes=st.integers(0, 300),
    l2=st.sampled_from((None, 0, 1 << 40)),
)
def test_the_compiled_cost_is_that_of_the_plain_twin(model, machine, ranks, formats, batch, decodes, l2):
    unit, near = near_of(machine)
    if l2 is not None:  # no L2 at all, and one that holds everything
        known = kernels_of(unit, near).kernels
        unit = unit.model_copy(update={"kernels": known.model_copy(update={"l2_capacity": l2})})
    chosen = Formats(*formats)
    work = work_of(find_model(model), ranks, Dtypes(weights=formats[0], kv=formats[1]))
    batch = [*batch, *((1, 17 * i) for i in range(decodes))]
    found = compiled(pack(work, unit, near, chosen, LINK), batch, len(batch))
    expected = twin(unit, near, work, chosen)(batch, len(batch))
    for name, place in FIELDS.items():
        value = found[place] / 1e12 if name in TIMES else found[place]
        assert math.isclose(value, getattr(expected, name), rel_tol=1e-9, abs_tol=1e-18), name


@given(model=st.sampled_from(MODELS), ranks=st.sampled_from((1, 2)), batch=BATCHES.filter(bool))
def test_it_moves_and_computes_what_the_model_says(model, ranks, batch):
    unit, near = near_of("h100-sxm")
    work = work_of(find_model(model), ranks)
    found = compiled(pack(work, unit, near, link=LINK), batch, len(batch))
    new, before = (np.array([pair[i] for pair in batch]) for i in (0, 1))
    expected = step_work(work, before, new)
    state = work.state_bytes_per_sequence * len(batch)
    assert math.isclose(found[c.WEIGHTS], expected.weight_bytes, rel_tol=1e-9)
    assert math.isclose(found[c.KV_WRITTEN] - state, expected.kv_written_bytes, rel_tol=1e-9)
    if any(0 < mixing.window < 1 << 60 for mixing in work.mixings) and sum(count == 1 for count, _ in batch) > 1:
        # decoding sequences in a window layer are taken to be of one length: no less is read than by each with its own
        assert found[c.FLOPS] >= expected.flops * (1 - 1e-9)
        assert found[c.KV_READ] - state >= expected.kv_read_bytes * (1 - 1e-9)
    else:
        assert math.isclose(found[c.FLOPS], expected.flops, rel_tol=1e-9)
        assert math.isclose(found[c.KV_READ] - state, expected.kv_read_bytes, rel_tol=1e-9)


@given(batch=BATCHES.filter(bool), model=st.sampled_from(MODELS))
def test_a_unit_of_twice_the_speed_takes_half_the_time(batch, model):
    unit, near = near_of("rtx-4090")
    work = work_of(find_model(model), 2)
    slow = compiled(pack(work, unit, near, link=LINK), batch, len(batch))
    known = kernels_of(unit, near).kernels
    groups = {}
    for name in type(known).model_fields:
        group = getattr(known, name)
        if hasattr(group, "model_fields_set"):
            times = {key for key in TIMED if hasattr(group, key)}
            groups[name] = group.model_copy(update={key: getattr(group, key) / 2 for key in times})
    fast_unit = unit.model_copy(
        update={"kernels": known.model_copy(update=groups), "flops": {key: 2 * f for key, f in unit.flops.items()}}
    )
    fast_near = near.model_copy(update={"read_bandwidth": 2 * near.read_bandwidth})
    link = LINK.model_copy(update={"bandwidth": 2 * LINK.bandwidth, "latency": LINK.latency // 2})
    fast = compiled(pack(work, fast_unit, fast_near, link=link), batch, len(batch))
    assert math.isclose(fast[c.TIME], slow[c.TIME] / 2, rel_tol=1e-9)
    assert math.isclose(fast[c.FLOPS], slow[c.FLOPS], rel_tol=1e-12)


@given(
    decodes=st.integers(1, 300),
    context=st.integers(0, 20_000),
    more=st.integers(1, 5000),
    model=st.sampled_from(MODELS),
)
def test_longer_contexts_and_more_chunks_take_longer(decodes, context, more, model):
    unit, near = near_of("h100-sxm")
    packed = pack(work_of(find_model(model)), unit, near)
    batch = [(1, context)] * decodes
    times = [
        compiled(packed, batch, decodes)[c.TIME],
        compiled(packed, [(1, context + more)] * decodes, decodes)[c.TIME],
        compiled(packed, [*batch, (1 + more, 0)], decodes + 1)[c.TIME],
        compiled(packed, [*batch, (1 + more, 0), (1 + more, context)], decodes + 2)[c.TIME],
    ]
    assert times[0] <= times[1]
    assert times[2] <= times[3]


def test_an_empty_step_costs_nothing_and_ranks_need_a_link():
    unit, near = near_of("h100-sxm")
    assert not compiled(pack(work_of(find_model("llama-3.1-8b")), unit, near), [], 0).any()
    with pytest.raises(ConfigError, match="2 ranks need a link"):
        pack(work_of(find_model("llama-3.1-8b"), 2), unit, near)


def test_a_unit_without_sixteen_bit_rates_is_refused():
    unit, near = near_of("h100-sxm")
    bare = unit.model_copy(update={"flops": {"int8": 1e12}})
    with pytest.raises(ConfigError, match="no FLOP/s for bf16, fp16 or fp32, only for int8"):
        pack(work_of(find_model("llama-3.1-8b")), bare, near)


def test_what_a_unit_does_not_state_is_an_estimate_of_its_class():
    unit, near = near_of("rtx-4090")
    bare = kernels_of(unit.model_copy(update={"kernels": None}), near)
    assert set(bare.estimates) >= {"linear", "decode", "prefill", "mixed", "elementwise", "sampling"}
    assert "linear" not in kernels_of(unit, near).estimates


def test_a_unit_that_states_none_has_the_kernels_of_eight_bits_of_its_class():
    unit, near = near_of("h100-sxm")
    known = kernels_of(unit.model_copy(update={"kernels": None}), near)
    assert known.kernels.linear_8bit is not None
    assert "linear_8bit" in known.estimates
    assert kernels_of(*near_of("rtx-4090")).kernels.linear_8bit is None  # its own 16 bits stand for 8
