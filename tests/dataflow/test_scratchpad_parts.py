"""A graph cut into parts: the whole optimum where the cut is free, never below it, never worse than rules alone."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest
from dataflow.graphs import graph, plain
from dataflow.walked import counted, run
from oracle import scratchpad as oracle

from hiersim.cli.main import execute
from hiersim.errors import ConfigError
from hiersim.scratchpad import allocate, compare, replace
from hiersim.scratchpad.graph import Graph, Operator, Tensor
from hiersim.scratchpad.networks import nasnet, resnet
from hiersim.scratchpad.operations import to_operations
from hiersim.scratchpad.orders import ORDERS, scheduled
from hiersim.scratchpad.parts import cut, in_parts
from hiersim.scratchpad.programmes import best_order


def room_of(g, seed):
    return Random(seed).randint(g.most_bytes, max(g.most_bytes, scheduled(g).peak_bytes))


def beside(*graphs):
    """Graphs that share nothing, as one, their operators in turns."""
    tensors, operators = [], []
    for number, g in enumerate(graphs):
        first = len(tensors)
        tensors += [Tensor(f"{number}.{t.name}", t.size_bytes, t.kind) for t in g.tensors]
        moved = [(tuple(first + t for t in o.reads), tuple(first + t for t in o.writes)) for o in g.operators]
        operators.append([Operator(f"{number}.{i}", *ends) for i, ends in enumerate(moved)])
    turns = [each[i] for i in range(max(map(len, operators))) for each in operators if i < len(each)]
    return Graph("beside", tuple(tensors), tuple(turns))


@pytest.mark.parametrize("most", [2, 3])
def test_between_the_optimum_and_the_rules(most):
    """On random graphs, small enough that trying everything says what is best; runs move what the plans say."""
    above = 0
    for seed in range(25):
        g = graph(seed)
        room = room_of(g, seed)
        best = min(oracle.least_moved(order, *plain(g), room) for order in oracle.orders(*plain(g)[::2]))
        found = in_parts(g, room, most=most)
        above += found.moved_bytes > best
        ways = [replace.plan(scheduled(g, order), room, how) for order in ORDERS for how in ("lru", "belady", "gaps")]
        assert best <= found.moved_bytes <= min(plan.moved_bytes for plan in ways if plan.how != "lru")
        assert allocate.least_bytes(found.blocks()) <= room
        assert oracle.least_moved(found.schedule.order, *plain(g), room) <= found.moved_bytes
    assert above <= 5  # a heuristic, but not a bad one


def test_one_part_is_the_optimum():
    for seed in range(25):
        g = graph(seed)
        room = room_of(g, seed)
        assert in_parts(g, room, most=len(g.operators)).moved_bytes == best_order(g, room).moved_bytes


def test_a_free_cut_loses_nothing():
    """Graphs that share nothing: one after the other, each at its best, is the best of all."""
    for seed in range(8):
        ones = [graph(seed), graph(100 + seed)]
        both = beside(*ones)
        room = max(room_of(g, seed) for g in ones)
        apart = sum(best_order(g, room).moved_bytes for g in ones)
        assert in_parts(both, room, most=max(len(g.operators) for g in ones)).moved_bytes == apart


def test_cuts_are_where_least_lives_across():
    sizes = {"a": 9, "b": 9, "c": 1, "d": 9, "e": 9, "f": 1}
    tensors = (Tensor("x", 9, "input"), *(Tensor(name, size, "output" if name == "f" else "intermediate")
                                          for name, size in sizes.items()))  # fmt: skip
    chain = Graph("chain", tensors, tuple(Operator(f"{i}", (i,), (i + 1,)) for i in range(6)))
    assert cut(scheduled(chain), 3) == [(0, 3), (3, 6)]
    assert cut(scheduled(chain), 4) == [(0, 3), (3, 6)]
    assert cut(scheduled(chain), 6) == [(0, 6)]
    assert cut(scheduled(chain), 1) == [(i, i + 1) for i in range(6)]


def test_state_is_carried_over():
    """Two cells side by side in a small memory: parts that knew nothing of each other would move more."""
    two = beside(nasnet(), resnet())
    room = max(nasnet().most_bytes, resnet().most_bytes) * 5 // 4
    plan = in_parts(two, room, most=5)
    trace = to_operations(plan)
    loads, stores, most = counted(trace)
    assert (loads + stores, most <= room) == (plan.moved_bytes, True)
    hbm = run(trace, room).tiers["hbm"]
    assert (hbm.read_total, hbm.written_total) == (loads, stores)
    rules = [replace.plan(scheduled(two, order), room, how) for order in ORDERS for how in ("belady", "gaps")]
    assert plan.extra_bytes <= min(each.extra_bytes for each in rules)


def test_the_command_and_what_is_no_part(capsys):
    net = str(Path(__file__).parents[2] / "configs" / "graphs" / "inception_3a.json")
    assert execute(["scratchpad", net, "-c", "400KiB", "--no-optimum", "--parts", "4"]) == 0
    assert "any, parts of 4" in capsys.readouterr().out
    assert execute(["scratchpad", net, "-c", "400KiB", "--parts", "0"]) == 2
    assert "--parts" in capsys.readouterr().err
    with pytest.raises(ConfigError, match="at least 1 operator, got 0"):
        in_parts(nasnet(), nasnet().most_bytes, most=0)


def test_where_no_optimum_is_proven_the_command_says_what_to_do(capsys, monkeypatch):
    monkeypatch.setattr(compare, "_least", lambda graph, capacity_bytes: None)
    net = str(Path(__file__).parents[2] / "configs" / "graphs" / "inception_3a.json")
    assert execute(["scratchpad", net, "-c", "400KiB", "--order", "given"]) == 0
    assert "--parts 8 solves it part by part" in capsys.readouterr().out
