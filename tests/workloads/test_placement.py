"""FlexGen under any placement moves what lies elsewhere, each token; weight streaming under any codec and window."""

from hypothesis import given, settings
from hypothesis import strategies as st
from workloads.rig import loaded, run

from hiersim.models import find_model
from hiersim.workloads.flexgen import placed
from hiersim.workloads.transformer import dense_parts

OUTPUT = 3
PARTS = dense_parts(find_model("opt-125m"))


@st.composite
def percents(draw):
    """Draw percents on the GPU and on the CPU; the rest is on disk."""
    gpu = draw(st.integers(0, 100))
    return gpu, draw(st.integers(0, 100 - gpu))


@given(weights=percents(), cache=percents(), hidden=percents(), batches=st.integers(1, 3), attend=st.booleans())
@settings(max_examples=25, deadline=None)
def test_what_lies_elsewhere_comes(weights, cache, hidden, batches, attend):
    shares = {f"{what}_{where}": share for what, pair in (("weight", weights), ("cache", cache), ("act", hidden))
              for where, share in zip(("gpu", "cpu"), pair, strict=True)}  # fmt: skip
    params = {"model": "opt-125m", "prompt": 8, "output": OUTPUT, "gpu_batch": 2, "gpu_batches": batches}
    kinds = run("flexgen", **params, **shares, cpu_attention=attend).operations.kinds
    percent = (100 - sum(weights), weights[1], weights[0])
    away = [sum(size for size, tier in zip(sizes, placed(sizes, percent), strict=True) if tier < 2)
            for sizes in ([2 * tensor.numbers for tensor in part.tensors] for part in PARTS)]  # fmt: skip
    expected = OUTPUT * sum(away) + away[0]  # the first part's once more, for the token that would come next
    assert (kinds["load_weight"].moved_bytes if "load_weight" in kinds else 0) == expected
    assert kinds["feed"].count == 12 * batches * OUTPUT


@given(
    resident=st.integers(0, 100),
    ahead=st.integers(0, 4),
    bits=st.sampled_from([16.0, 8.0, 4.125]),
    sparsity=st.sampled_from([0.0, 0.5]),
    lock=st.sampled_from(["evenly", "front"]),
    bounce=st.booleans(),
)
@settings(max_examples=25, deadline=None)
def test_the_window_changes_when_and_not_what(resident, ahead, bits, sparsity, lock, bounce):
    params = {"model": "opt-125m", "prompt": 8, "output": OUTPUT, "resident": resident, "lock": lock}
    params |= {"bits": bits, "sparsity": sparsity, "bounce": bounce, "home": "flash"}
    result, later = run("weight_streaming", **params, ahead=ahead), run("weight_streaming", **params, ahead=ahead + 1)
    assert loaded(result) == loaded(later)
    assert later.operations.makespan_ps <= result.operations.makespan_ps
