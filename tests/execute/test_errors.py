"""What cannot run is said in one line: with the operation's name, and of memory by how much, when and what is there."""

from __future__ import annotations

import pytest
from execute.machines import plain, run

from hiersim.errors import ConfigError, TraceError
from hiersim.machine import PrefetchChoice, TierRules
from hiersim.traces.operation_builder import OperationBuilder


def failure(build, machine=None, rules=None, **execute):
    with pytest.raises((ConfigError, TraceError)) as caught:
        run(build.build(), machine, rules, **execute)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_an_operation_larger_than_its_tier():
    build = OperationBuilder()
    w, x = build.object(700, home="dram"), build.object(400)
    build.add("k", unit="gpu", reads=[w, w], writes=[x], name="huge")
    what = "its objects take 1,100 bytes in hbm, where 1,000 are free of what is at home: 100 bytes too many"
    assert failure(build, plain(hbm=1000)) == f"operation huge: {what}"


def test_a_run_that_stands_still_says_who_lacks_what():
    """What must leave has nowhere to go: the tier behind is full of what is at home there."""
    build = OperationBuilder()
    x, y = build.object(60, name="x", kept=True), build.object(70, name="y", kept=True)
    build.object(500, "weight", home="dram", name="w")
    build.add("first", unit="gpu", writes=[x], flops=100, near_written=60)
    build.add("second", unit="gpu", writes=[y], name="second")
    message = failure(build, plain(hbm=100), {"hbm": TierRules(), "dram": TierRules(capacity=510)})
    assert message.startswith("operation second: the run stands still at 120 ps, 1 of 2 operations over: tiers.hbm")
    first, second = message.partition(": tiers.")[2].split("; tiers.")
    assert first.startswith("hbm.capacity lacks") is True
    assert second == "dram.capacity lacks 50 bytes: 510 in all, 500 taken; 2 objects are there, held or at home w (500)"


def test_what_is_dropped_and_cannot_be_made_again():
    build = OperationBuilder()
    x = build.object(10, name="x", kept=True)
    build.add("make", unit="gpu", writes=[x])
    build.add("drop", unit="gpu", action="drop", reads=[x])
    build.add("use", unit="gpu", reads=[x], name="use")
    what = "object x is in no tier: it was dropped, and nothing can make it again"
    assert failure(build) == f"operation use at 10 ps: {what}"


def test_an_object_that_nobody_makes():
    build = OperationBuilder()
    build.add("use", unit="gpu", reads=[build.object(10, name="x")], name="use")
    what = "object x is never produced: no operation writes it, no tier has it at first, nothing can make it"
    assert failure(build) == f"operation use: {what}"


def test_an_object_that_is_read_before_it_is_written():
    build = OperationBuilder(ordered=False)
    x = build.object(10, name="x")
    build.add("write", unit="gpu", stream="a", writes=[x], flops=50)
    build.add("read", unit="gpu", stream="b", reads=[x], name="read")
    # the claim comes first, so the reader joins what is being written
    assert run(build.build()).operations.over_ps.tolist()[0] > 0
    build = OperationBuilder(ordered=False)
    x = build.object(10, name="x")
    build.add("read", unit="gpu", stream="b", reads=[x], name="read")
    build.add("write", unit="gpu", stream="a", writes=[x], flops=50)
    assert failure(build).endswith(
        "object x is in no tier: nothing has written it yet: no dependency orders it after what does"
    )


@pytest.mark.parametrize(
    ("work", "what"),
    [
        ({"unit": "gpu1"}, "operation k #0: no unit `gpu1`; did you mean `gpu`? (the machine has gpu, cpu)"),
        ({"flops": 5, "dtype": "fp8"}, "operation k #0: gpu does not compute in fp8; it has fp16"),
        ({"action": "carry", "source": "hbm", "target": "cxl", "near_read": 1}, "operation k #0: no tier `cxl`"),
    ],
)
def test_names_that_the_machine_lacks(work, what):
    build = OperationBuilder()
    build.add("k", **{"unit": "gpu"} | work)
    assert failure(build).startswith(what)


@pytest.mark.parametrize(
    ("tiers", "what"),
    [
        (
            {"hbm": TierRules(prefetch=PrefetchChoice(name="leap")), "dram": TierRules()},
            "tiers.hbm.prefetch: is for accesses",
        ),
        ({"hbm": TierRules(write="around"), "dram": TierRules()}, "tiers.hbm.write: `around` is for accesses"),
        ({"dram": TierRules()}, "tiers: `hbm` is missing: it is the near tier of gpu"),
        ({"hbm": TierRules()}, "tiers: `dram` is missing: the trace names it"),
    ],
)
def test_rules_that_operations_do_not_know(tiers, what):
    build = OperationBuilder()
    build.add("k", unit="gpu", reads=[build.object(1, home="dram")])
    assert failure(build, rules=tiers).startswith(what)


def test_homes_and_starts_that_do_not_fit():
    build = OperationBuilder()
    build.add("k", unit="gpu", reads=[build.object(200, "weight", home="hbm")])
    assert "100 bytes cannot be the home of 200 bytes of class weight" in failure(build, plain(hbm=100))
    build = OperationBuilder()
    build.add("k", unit="gpu", reads=[build.object(60, start="hbm", name="x")])
    build.add("k", unit="gpu", reads=[build.object(60, start="hbm", name="y")])
    what = "tiers.hbm.capacity: 100 bytes cannot hold the 120 bytes of objects that start there (object y came when 60"
    assert failure(build, plain(hbm=100)).startswith(what)
