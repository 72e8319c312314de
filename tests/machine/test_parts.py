"""Tiers, links, units and machines: what they hold and what they refuse."""

import pytest
from pydantic import ValidationError

from hiersim.errors import ConfigError
from hiersim.machine import ClassRules, Link, Machine, Promotion, Replay, Tier, TierRules, Unit, route
from hiersim.machine.mistakes import validated


def tier(**changes):
    figures = {"kind": "ddr", "capacity": "1 GiB", "read_bandwidth": "10 GB/s", "write_bandwidth": "5 GB/s"}
    return figures | {"read_latency": "100 ns", "write_latency": "90 ns"} | changes


def link(first, second, **changes):
    return {"between": [first, second], "kind": "bus", "bandwidth": "1 GB/s", "latency": "1 us"} | changes


def unit(near, **changes):
    return {"kind": "gpu", "tier": near, "flops": {"bf16": "1 TFLOP/s"}} | changes


def problems(data, model=Machine):
    record, found = validated(model, data)
    assert (record is None) == bool(found)
    return {".".join(map(str, path)): what for path, what in found}


def test_a_tier_is_in_base_units():
    made = Tier(**tier(queue_depth=4))
    assert (made.capacity, made.read_bandwidth, made.write_bandwidth) == (2**30, 1e10, 5e9)
    assert (made.read_latency, made.write_latency, made.lookup_latency) == (100_000, 90_000, 0)
    assert (made.duplex, made.granularity, made.queue_depth, made.waiting) == ("half", 1, 4, "fifo")


def test_parts_are_frozen():
    with pytest.raises(ValidationError, match="frozen"):
        Tier(**tier()).capacity = 5


def test_figures_may_carry_their_provenance():
    figure = {"value": "2 GiB", "source": "a guess", "confidence": "estimate"}
    made = Tier(**tier(capacity=figure, provenance={"read_latency": {"source": "a log", "confidence": "measured"}}))
    assert made.capacity == 2**31
    assert made.provenance["capacity"].source == "a guess"
    assert made.provenance["read_latency"].confidence == "measured"
    assert made.estimates() == ["capacity"]


@pytest.mark.parametrize(
    ("changes", "where", "says"),
    [
        ({"capcity": 1}, "capcity", "unknown key; did you mean `capacity`?"),
        ({"capacity": 0}, "capacity", "must be more than 0"),
        ({"kind": "hbn"}, "kind", "`hbn` is not one of sram, l2, hbm,"),
        ({"duplex": "both"}, "duplex", "`both` is not one of half, full"),
        ({"queue_depth": 0}, "queue_depth", "expected at least 1, not `0`"),
        ({"queue_depth": 1.5}, "queue_depth", "expected a whole number, not `1.5`"),
        ({"queue_depth": True}, "queue_depth", "expected a whole number, not `true`"),
        ({"efficiency": 0}, "efficiency", "must be more than 0"),
        ({"efficiency": "101%"}, "efficiency", "a share is at most 1"),
        ({"energy_basis": "total", "background_power": "3 W"}, "background_power", "already includes it"),
        ({"provenance": {"size": {"source": "x", "confidence": "measured"}}}, "provenance.size", "is not a field"),
        (
            {"capacity": {"value": 1, "source": "x", "confidence": "sure"}},
            "provenance.capacity.confidence",
            "not one of",
        ),
        ({"capacity": {"value": 1, "source": "x"}}, "provenance.capacity.confidence", "required key is missing"),
    ],
)
def test_a_tier_refuses(changes, where, says):
    found = problems(tier(**changes), Tier)
    assert list(found) == [where]
    assert says in found[where]


def test_a_total_energy_without_background_power_is_fine():
    assert Tier(**tier(energy_basis="total", read_energy="200 pJ/bit")).background_power is None


def test_all_problems_of_a_tier_come_at_once():
    assert set(problems({"kind": "x", "sede": 1}, Tier)) == {
        "kind", "sede", "capacity", "read_bandwidth", "write_bandwidth", "read_latency", "write_latency"
    }  # fmt: skip


def test_a_link_has_two_directions():
    one_way = Link(**link("a", "b"))
    assert one_way.bandwidth_of(forward=True) == one_way.bandwidth_of(forward=False) == 1e9
    two_way = Link(**link("a", "b", backward_bandwidth="2 GB/s"))
    assert (two_way.bandwidth_of(forward=True), two_way.bandwidth_of(forward=False)) == (1e9, 2e9)


@pytest.mark.parametrize(
    ("ends", "where", "says"),
    [
        (["a"], "between.1", "entry is missing"),
        (["a", "b", "c"], "between", "expected at most 2 entries, not 3"),
        (["a", 3], "between.1", "expected a text, not `3`"),
        (["a", "B"], "between.1", "`B` is not a name"),
        ("ab", "between", "expected a list, not `ab`"),
    ],
)
def test_a_link_has_two_ends(ends, where, says):
    found = problems(link("a", "b") | {"between": ends}, Link)
    assert list(found) == [where]
    assert says in found[where]


def test_a_unit_computes_in_known_formats():
    assert Unit(**unit("hbm", flops={"bf16": "989.4 TFLOP/s", "fp8": 2e15})).flops == {"bf16": 989.4e12, "fp8": 2e15}
    assert any(key.startswith("flops") for key in problems(unit("hbm", flops={"bf15": "1 TFLOP/s"}), Unit))


TWO_GPUS = {
    "tiers": {"hbm0": tier(), "hbm1": tier(), "dram": tier(), "flash": tier()},
    "links": {"p0": link("hbm0", "dram"), "p1": link("hbm1", "dram"), "nvme": link("dram", "flash")},
    "units": {"gpu0": unit("hbm0"), "gpu1": unit("hbm1")},
}


def changed(**groups):
    return {group: {**members, **groups.get(group, {})} for group, members in TWO_GPUS.items()}


@pytest.mark.parametrize(
    ("data", "where", "says"),
    [
        (changed(links={"p1": link("hbm1", "drm")}), "links.p1.between.1", "no tier `drm`; did you mean `dram`?"),
        (changed(links={"p1": link("hbm1", "hbm1")}), "links.p1.between", "two different tiers"),
        (changed(links={"p1": link("hbm0", "dram")}), "units.gpu0", "no link leads from `hbm0` to hbm1"),
        (changed(units={"gpu1": unit("hbm2")}), "units.gpu1.tier", "no tier `hbm2`; did you mean `hbm"),
        (changed(tiers={"Tape": tier()}), "tiers.Tape", "names have lower-case letters"),
        (changed(links={"dram": link("hbm0", "dram")}), "links.dram", "a tier has this name too"),
        (changed(units={"nvme": unit("hbm0")}), "units.nvme", "a link has this name too"),
        (changed(tiers={"dram": []}), "tiers.dram", "expected a mapping"),
        (TWO_GPUS | {"units": {}}, "units", "at least one unit"),
        ({"tiers": {}, "units": TWO_GPUS["units"]}, "tiers", "at least one tier"),
        (TWO_GPUS | {"tiers": 5}, "tiers", "expected a mapping of keys to values, not `5`"),
        (TWO_GPUS | {"links": {}}, "units.gpu1", "no link leads from `hbm1` to hbm0, dram, flash"),
    ],
)
def test_a_machine_refuses(data, where, says):
    found = problems(data)
    assert says in found[where]


def test_python_callers_see_the_path_too():
    with pytest.raises(ValidationError, match=r"links\.p1\.between\.1: no tier `drm`; did you mean `dram`\?"):
        Machine(**changed(links={"p1": link("hbm1", "drm")}))


def test_chains_skip_the_near_tiers_of_other_units():
    machine = Machine(**TWO_GPUS)
    assert machine.chain("gpu0") == ("hbm0", "dram", "flash")
    assert machine.chain("gpu1") == ("hbm1", "dram", "flash")
    assert machine.chain("gpu0", ["hbm0", "hbm1", "flash"]) == ("hbm0", "flash")
    assert machine.next_tier("dram") == "flash"
    assert machine.next_tier("flash") is None


def test_parts_and_estimates_by_path():
    guess = {"value": "1 us", "source": "-", "confidence": "estimate"}
    machine = Machine(**changed(links={"p0": link("hbm0", "dram", latency=guess)}))
    assert list(machine.parts())[-3:] == ["links.nvme", "units.gpu0", "units.gpu1"]
    assert machine.estimates() == ["links.p0.latency"]


def test_a_route_is_the_links_in_order():
    machine = Machine(**TWO_GPUS)
    assert route(machine, "hbm0", "hbm0") == []
    assert route(machine, "hbm0", "flash") == [("p0", True), ("nvme", True)]
    assert route(machine, "flash", "hbm1") == [("nvme", False), ("p1", False)]
    assert route(machine, "hbm0", "hbm1") == [("p0", True), ("p1", False)]


@pytest.mark.parametrize(
    ("links", "taken"),
    [
        ({"far": link("hbm0", "flash", latency="9 us")}, ["far"]),  # fewest links, although slower
        ({"c": link("hbm0", "flash"), "b": link("flash", "hbm0")}, ["b"]),  # equal: by name
        ({"c": link("hbm0", "flash"), "b": link("flash", "hbm0", latency="2 us")}, ["c"]),  # least latency
        ({"c": link("hbm0", "flash"), "b": link("flash", "hbm0", overhead="1 ns")}, ["c"]),  # overhead counts
        ({"a": link("hbm0", "dram", latency="2 us")}, ["p0", "nvme"]),
        ({"z": link("hbm0", "dram", latency="1 ns")}, ["z", "nvme"]),
    ],
)
def test_the_shortest_route(links, taken):
    assert [hop.link for hop in route(Machine(**changed(links=links)), "hbm0", "flash")] == taken


@pytest.mark.parametrize("ends", [("hbm0", "tape"), ("tape", "hbm0")])
def test_a_route_needs_tiers_of_the_machine(ends):
    with pytest.raises(ConfigError, match="no tier `tape`"):
        route(Machine(**TWO_GPUS), *ends)


def test_rules_have_short_forms():
    rules = TierRules(policy="s3fifo:small=0.2,ghost=1", promotion="never")
    assert (rules.policy.name, rules.policy.params) == ("s3fifo", {"small": "0.2", "ghost": "1"})
    assert rules.policy.spec == "s3fifo:small=0.2,ghost=1"
    assert rules.promotion == Promotion(on_nth_hit=0)
    assert TierRules(policy={"name": "mq", "params": {"queues": 4}}).policy.spec == "mq:queues=4"
    assert TierRules(promotion={"on_nth_hit": 3}).promotion.on_nth_hit == 3
    assert TierRules().promotion.on_nth_hit == 1
    assert TierRules(policy="./mine.py").policy.spec == "./mine.py"


@pytest.mark.parametrize(
    ("model", "data", "where", "says"),
    [
        (TierRules, {"promotion": "often"}, "promotion", "`often` is not one of always, never, {on_nth_hit: n}"),
        (TierRules, {"promotion": {"on_nth_hit": -1}}, "promotion.on_nth_hit", "expected at least 0"),
        (TierRules, {"promotion": {}}, "promotion.on_nth_hit", "required key is missing"),
        (TierRules, {"policy": 5}, "policy", "expected a mapping"),
        (TierRules, {"write": "behind"}, "write", "`behind` is not one of back, through, around"),
        (TierRules, {"write_wait": "yes"}, "write_wait", "expected true or false, not `yes`"),
        (TierRules, {"inclusion": "inclusve"}, "inclusion", "did you mean `inclusive`?"),
        (ClassRules, {"on_miss": "home"}, "", "needs `home`"),
        (ClassRules, {"flops_per_byte": -1}, "flops_per_byte", "expected at least 0"),
        (ClassRules, {"flops_per_byte": float("nan")}, "flops_per_byte", "not `nan`"),
        (Replay, {"streams": 0}, "streams", "expected at least 1, not `0`"),
        (Replay, {"time_scale": 0}, "time_scale", "expected more than 0"),
        (Replay, {"mode": "loop"}, "mode", "`loop` is not one of closed, open"),
        (Replay, {"dtype": "fp4"}, "dtype", "`fp4` is not one of bf16"),
    ],
)
def test_rules_refuse(model, data, where, says):
    found = problems(data, model)
    assert list(found) == [where]
    assert says in found[where]
