"""Operator graphs on a scratchpad: the integer programmes are the optimum that trying everything finds."""

from __future__ import annotations

import json
import re
from pathlib import Path
from random import Random

import pytest
from dataflow.graphs import graph, plain
from dataflow.walked import counted, run
from oracle import scratchpad as oracle

from hiersim.cli.main import execute
from hiersim.errors import ConfigError
from hiersim.scratchpad import allocate, replace
from hiersim.scratchpad.graph import Graph, Operator, Schedule, Tensor, orders
from hiersim.scratchpad.operations import to_operations
from hiersim.scratchpad.orders import ORDERS, scheduled
from hiersim.scratchpad.programmes import best_order, least_moved
from hiersim.scratchpad.reading import read_graph

SEEDS = range(200)


def capacity_of(g, seed):
    """From the least that a graph runs in to all that lives at once."""
    return Random(seed).randint(g.most_bytes, max(g.most_bytes, scheduled(g).peak_bytes))


def test_the_least_traffic_in_an_order_is_what_trying_everything_finds():
    """And nothing else moves less: on 200 random graphs, by every way and in every order by rule."""
    extra = dict.fromkeys(replace.WAYS, 0)
    for seed in SEEDS:
        g = graph(seed)
        room = capacity_of(g, seed)
        for order in ORDERS:
            schedule = scheduled(g, order)
            found = {plan.how: plan for plan in replace.plans(schedule, room)}
            best = found["optimum"]
            assert best.proven
            assert best.moved_bytes == oracle.least_moved(schedule.order, *plain(g), room)
            assert all(plan.moved_bytes >= best.moved_bytes for plan in found.values())
            for plan in found.values():
                assert allocate.least_bytes(plan.blocks()) <= room
                extra[plan.how] += plan.extra_bytes
    assert 0 < extra["optimum"] < min(extra["belady"], extra["lru"], extra["gaps"])
    assert extra["fitted"] > extra["belady"]


def test_the_least_traffic_over_all_orders():
    for seed in SEEDS[:60]:
        g = graph(seed)
        room = capacity_of(g, seed)
        plan = best_order(g, room)
        every = {order: oracle.least_moved(order, *plain(g), room) for order in oracle.orders(*plain(g)[::2])}
        assert plan.order_proven
        assert set(every) == set(orders(g))
        assert plan.moved_bytes == min(every.values()) == every[plan.schedule.order]


def test_the_smallest_arena_is_what_trying_everything_finds():
    """And greedy placements are never smaller: on 200 random graphs."""
    worse = dict.fromkeys(allocate.WAYS, 0)
    for seed in SEEDS:
        blocks = allocate.lifetimes(scheduled(graph(seed, operators=6)))[-6:]
        found = {how: allocate.allocate(blocks, how) for how in allocate.WAYS}
        best = found["optimum"]
        assert best.proven
        assert best.arena_bytes == oracle.smallest_arena([(b.size_bytes, b.first, b.last) for b in blocks])
        for how, each in found.items():
            assert each.arena_bytes >= best.arena_bytes >= each.least_bytes
            assert not overlaps(each)
            worse[how] += each.arena_bytes > best.arena_bytes
    assert worse["optimum"] == 0 < worse["size"]


def overlaps(allocation):
    """Whether two blocks that are needed in one step share a byte."""
    both = list(zip(allocation.blocks, allocation.offsets, strict=True))
    return any(
        a.meets(b) and i < j + b.size_bytes and j < i + a.size_bytes
        for n, (a, i) in enumerate(both)
        for b, j in both[n + 1 :]
    )


def test_with_addresses_a_plan_also_has_room_in_one_piece():
    """The optimum among those plans whose stays can be placed, all of both tried."""
    for seed in SEEDS[:40]:
        g = graph(seed, operators=5, most=3)
        room, schedule = capacity_of(g, seed), scheduled(g)
        plan = least_moved(schedule, room, addresses=True)
        tried = every_plan(schedule, room)
        fitting = [
            p.moved_bytes for p in tried if oracle.fits([(b.size_bytes, b.first, b.last) for b in p.blocks()], room)
        ]
        assert plan.moved_bytes == min(fitting)
        assert oracle.fits([(b.size_bytes, b.first, b.last) for b in plan.blocks()], room)


def test_an_eviction_with_addresses_has_room_in_one_piece():
    """And where memory is so large that nothing has to leave it moves nothing beyond the compulsory bytes."""
    for seed in SEEDS[:60]:
        g = graph(seed, operators=5, most=3)
        plan = replace.plan(scheduled(g), capacity_of(g, seed), "fitted")
        blocks = [(b.size_bytes, b.first, b.last) for b in plan.blocks()]
        assert oracle.fits(blocks, plan.capacity_bytes)
        assert replace.plan(scheduled(g), sum(t.size_bytes for t in g.tensors), "fitted").extra_bytes == 0


def test_room_in_pieces_is_no_room():
    """What is left of a dead tensor is room in two pieces: Belady without addresses has enough of it."""
    t = [
        Tensor("x", 1, "input"),
        Tensor("a", 4),
        Tensor("b", 2),
        Tensor("c", 4),
        Tensor("d", 6),
        Tensor("y", 1, "output"),
    ]
    o = [Operator("a", (0,), (1,)), Operator("b", (0,), (2,)), Operator("c", (0, 1), (3,)), Operator("d", (2, 1), (4,)),
         Operator("y", (4, 2, 3), (5,))]  # fmt: skip
    g = Graph("pieces", tuple(t), tuple(o))
    room = scheduled(g).peak_bytes
    assert replace.plan(scheduled(g), room, "belady").extra_bytes == 0
    assert replace.plan(scheduled(g), room, "fitted").extra_bytes > 0


def every_plan(schedule, room):
    """Every choice of gaps that has room, though perhaps not in one piece."""
    open_ = [gap for gap in replace.gaps(schedule) if gap[2] - gap[1] > 1]
    closed = frozenset(gap for gap in replace.gaps(schedule) if gap[2] - gap[1] == 1)
    chosen = (frozenset(g for i, g in enumerate(open_) if bits >> i & 1) for bits in range(1 << len(open_)))
    plans = (replace.Plan(schedule, room, closed | kept, "tried") for kept in chosen)
    return [plan for plan in plans if allocate.least_bytes(plan.blocks()) <= room]


@pytest.mark.parametrize("how", replace.WAYS)
def test_a_run_moves_what_the_plan_says(how):
    for seed in range(12):
        g = graph(seed)
        room = capacity_of(g, seed)
        plan = replace.plan(scheduled(g), room, how)
        trace = to_operations(plan)
        loads, stores, most = counted(trace)
        assert (loads + stores, most <= room) == (plan.moved_bytes, True)
        result = run(trace, room)
        hbm = result.tiers["hbm"]
        assert (hbm.read_total, hbm.written_total) == (loads, stores)


def test_a_chain_needs_two_tensors_at_a_time():
    tensors = tuple(Tensor(f"t{i}", 10 + i, "input" if i == 0 else "intermediate") for i in range(6))
    chain = Graph("chain", tensors, tuple(Operator(f"o{i}", (i,), (i + 1,)) for i in range(5)))
    schedule = scheduled(chain)
    assert schedule.breadth_bytes == (21, 23, 25, 27, 29)
    assert [allocate.allocate(allocate.lifetimes(schedule), how).arena_bytes for how in allocate.WAYS] == [29, 29, 29]
    assert list(orders(chain)) == [(0, 1, 2, 3, 4)]
    assert replace.plan(schedule, 29).moved_bytes == chain.compulsory_bytes == 10


def test_orders_that_join_late_hold_more():
    """Two chains that join: one after the other holds the first's end; side by side holds both."""
    t = [
        Tensor("x", 1, "input"),
        *(Tensor(f"{c}{i}", 8 if i < 2 else 1) for c in "ab" for i in range(3)),
        Tensor("y", 1, "output"),
    ]
    o = [Operator("a0", (0,), (1,)), Operator("b0", (0,), (4,)), Operator("a1", (1,), (2,)), Operator("b1", (4,), (5,)),
         Operator("a2", (2,), (3,)), Operator("b2", (5,), (6,)), Operator("join", (3, 6), (7,))]  # fmt: skip
    g = Graph("two chains", tuple(t), tuple(o))
    peaks = {order: scheduled(g, order).peak_bytes for order in ORDERS}
    assert peaks == {"given": 24, "depth-first": 17, "least-growth": 17}
    assert best_order(g, 17).extra_bytes == 0
    assert replace.plan(scheduled(g), 17, "optimum").extra_bytes == 2 * 16


GOOD = {
    "tensors": {"x": {"bytes": "4 KiB", "kind": "input"}, "h": {"bytes": 100}, "y": {"bytes": 7, "kind": "output"}},
    "operators": [{"name": "one", "reads": ["x"], "writes": ["h"], "flops": 5}, {"reads": ["h"], "writes": ["y"]}],
}


@pytest.fixture
def write(tmp_path):
    def written(text):
        path = tmp_path / "net.json"
        path.write_text(text)
        return path

    return written


def test_a_graph_is_read(write):
    g = read_graph(write(json.dumps(GOOD)))
    assert (g.name, [t.size_bytes for t in g.tensors]) == ("net", [4096, 100, 7])
    assert [(o.name, o.reads, o.writes, o.flops) for o in g.operators] == [
        ("one", (0,), (1,), 5),
        ("#1", (1,), (2,), 0),
    ]
    assert (g.most_bytes, g.compulsory_bytes) == (4196, 4103)


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ("{", "", "net.json:2  is not JSON"),
        ('"flops"', '"flop"', "net.json:24  operators[0].flop  unknown key; did you mean `flops`?"),
        ('"input"', '"inptu"', "net.json:3  tensors.x.kind  `inptu`; did you mean `input`? is not one of"),
        ('"4 KiB"', '"4 KB/s"', "net.json:3  tensors.x.bytes"),
        ('"bytes": 100', '"bytes": -1', "net.json:7  tensors.h.bytes  expected a number of bytes from 1, got `-1`"),
        ('"flops": 5', '"flops": -5', "operators[0].flops  operator one: expected FLOPs from 0, got `-5`"),
        (
            '"reads": [\n    "x"\n   ]',
            '"reads": ["xx"]',
            "operators[0].reads  operator one: no tensor `xx`; did you mean `x`?",
        ),
        ('"writes": [\n    "h"\n   ]', '"writes": ["x"]', "operator one: it writes x, which is there from the start"),
        ('"writes": [\n    "y"\n   ]', '"writes": ["h"]', "operator #1: one writes h already"),
        ('"reads": [\n    "x"\n   ]', '"reads": ["y"]', "operators one, #1: each waits for another of them, in a ring"),
        ('"kind": "input"', '"kind": "intermediate"', "tensor x: no operator writes it"),
    ],
)
def test_bad_graphs_are_told_in_a_line(write, before, after, told):
    text = json.dumps(GOOD, indent=1)
    assert before in text
    with pytest.raises(ConfigError) as caught:
        read_graph(write(text.replace(before, after, 1)))
    assert told in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


def test_bad_choices_are_told_in_a_line(tmp_path):
    schedule = scheduled(graph(1))
    for do, told in (
        (lambda: replace.plan(schedule, 1), "more than the capacity"),
        (lambda: replace.plan(schedule, 100, "beladi"), "no replacement `beladi`; did you mean `belady`?"),
        (lambda: allocate.allocate((), "siz"), "no allocation `siz`; did you mean `size`?"),
        (lambda: scheduled(graph(1), "deep-first"), "did you mean `depth-first`?"),
        (lambda: Schedule(graph(3), tuple(reversed(range(len(graph(3).operators))))), "in this order it comes before"),
        (lambda: read_graph(tmp_path / "none.json"), "cannot be read"),
    ):
        with pytest.raises(ConfigError, match=re.escape(told)):
            do()


def test_the_command_compares(capsys):
    graph_file = str(Path(__file__).parents[2] / "configs" / "graphs" / "inception_3a.json")
    assert execute(["scratchpad", graph_file, "-c", "400KiB", "--order", "depth-first", "--json", "-"]) == 0
    found = json.loads(capsys.readouterr().out)
    schedule = scheduled(read_graph(graph_file), "depth-first")
    (row,) = found["allocations"]
    assert row["peak_bytes"] == schedule.peak_bytes <= row["optimum"] <= min(row["size"], row["breadth"])
    ordered, any_order = found["replacements"][0]["extra_bytes"]
    assert ordered["lru"] >= ordered["belady"] >= ordered["optimum"] >= any_order["optimum"]
    assert ordered["belady"] == replace.plan(schedule, 400 * 1024).extra_bytes


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["-c", "1KiB"], "operator conv1x1: its tensors take 212,992 bytes, 211,968 more than the capacity"),
        (["-c", "1 s"], "--capacity  `1 s` is no size such as 64KiB or 50%"),
        (["-c", "inf%"], "--capacity  `inf%` is no size such as 64KiB or 50%"),
        (["--order", "deep"], "no order `deep`"),
    ],
)
def test_bad_options_are_told_in_a_line(words, told, capsys):
    graph_file = str(Path(__file__).parents[2] / "configs" / "graphs" / "inception_3a.json")
    assert execute(["scratchpad", graph_file, "--no-optimum", *words]) == 2
    out, err = capsys.readouterr()
    assert (out, told in err) == ("", True)
