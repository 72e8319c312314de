"""COSMA: order, addresses and eviction chosen together, against one after the other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache

from hiersim.scratchpad.allocate import allocate
from hiersim.scratchpad.graph import Graph
from hiersim.scratchpad.networks import NETWORKS, attention, nasnet_cells
from hiersim.scratchpad.operations import to_operations
from hiersim.scratchpad.orders import scheduled
from hiersim.scratchpad.parts import in_parts
from hiersim.scratchpad.programmes import best_order
from hiersim.scratchpad.replace import Plan, plan
from hiersim.studies.claim import Finding, Study, figure, seen
from hiersim.studies.operated import chip, moved, run

SECONDS = 20.0
"""The programme of each graph ends long before, with a proof; if it did not, the study would say so."""
GRAPHS: dict[str, Callable[[], Graph]] = {
    **{name: NETWORKS[name] for name in ("inception", "resnet", "densenet", "mobilenet", "nasnet")},
    "attention": lambda: attention(2),
}
"""Blocks of networks for which a proof takes a second or less."""
CELLS, PART = (1, 2, 3), 5
"""Stacks of so many cells of a searched network, and the operators of a part that they are cut into."""


def capacity_of(graph: Graph) -> int:
    """Return half way from the least that a graph runs in to all that lives at once in the order as given."""
    return (graph.most_bytes + scheduled(graph).peak_bytes) // 2


@cache
def plans(name: str) -> tuple[Plan, Plan]:
    """Return a network's plan in the order as given, with addresses, and the best of all orders."""
    graph = GRAPHS[name]()
    room = capacity_of(graph)
    return plan(scheduled(graph), room, "fitted"), best_order(graph, room, seconds=SECONDS)


def simulated(chosen: Plan) -> int:
    """Return the bytes that a run of a plan moves beyond the compulsory ones."""
    on = chip({"part": "a100-smem", "capacity": f"{chosen.capacity_bytes} B"}, "a100-40g-hbm2", "a100-sxm-gpu")
    return moved(run(on, to_operations(chosen))) - chosen.schedule.graph.compulsory_bytes


def searched() -> Finding:
    """Return what parts solved one after the other save on stacks of cells that a search found."""
    usual, best, strict = [], [], []
    for cells in CELLS:
        graph = nasnet_cells(cells)
        room = capacity_of(graph)
        best.append(simulated(in_parts(graph, room, PART)))
        usual.append(simulated(plan(scheduled(graph), room, "fitted")))
        strict.append(plan(scheduled(graph), room).extra_bytes)
    told = ", ".join(f"{one / 1024:.0f} to {other / 1024:.0f}" for one, other in zip(usual, best, strict=True))
    left, strictly = (
        sum(one / other for one, other in zip(best, many, strict=True)) / len(CELLS) for many in (usual, strict)
    )
    return figure("heuristic", 0.85, 1 - left, 0.2, HEURISTIC.format(each=told, left=strictly))


def run_study() -> Sequence[Finding]:
    """Simulate both plans of every block of a network, and stacks of cells in parts."""
    extra = {name: tuple(simulated(each) for each in plans(name)) for name in GRAPHS}
    fewer = [1 - best / usual for usual, best in extra.values() if usual]
    loose = {name: plan(scheduled(GRAPHS[name]()), plans(name)[0].capacity_bytes).extra_bytes for name in GRAPHS}
    free = [1 - extra[name][1] / usual for name, usual in loose.items() if usual]
    told = ", ".join(f"{name} {usual / 1024:.0f} to {best / 1024:.0f}" for name, (usual, best) in extra.items())
    proven = all(plans(name)[1].order_proven for name in GRAPHS)
    planned = {name: tuple(each.extra_bytes for each in plans(name)) for name in GRAPHS}
    placed = all(
        allocate(best.blocks(), "optimum").arena_bytes <= best.capacity_bytes for _, best in map(plans, GRAPHS)
    )
    never = all(best <= usual for usual, best in extra.values())
    return [
        figure("fewer", 0.84, sum(fewer) / len(fewer), 0.2, FEWER.format(each=told, free=sum(free) / len(free))),
        searched(),
        figure("left-of-belady", 0.16, 1 - sum(free) / len(free), 0.2, LEFT),
        seen("addresses", "tensors have addresses", f"placed: {placed}", placed, ADDRESSES),
        figure("as-planned", 1.0, float(planned == extra), 0.0, "Whether every run moves what its plan says; exact."),
        seen("optimum", "optimal with a proof, never worse", f"proven: {proven}", proven and never, OPTIMAL),
    ]


FEWER = (
    "Share of the bytes beyond the compulsory ones that the best order, addresses and eviction save, over doing one "
    "after the other: the order as given, each tensor in the smallest hole, and what is used again last leaves until "
    "there is one. Memory is half way between the largest operator and all that lives at once; mean over blocks "
    "where there are any, in KiB {each}. Against a memory whose tensors could be moved for nothing it is {free:.3g}. "
    "The paper's mean is over whole networks and its own baselines, which were not at hand, so a fifth is allowed."
)
HEURISTIC = (
    f"The same of graphs that are too large for one programme: {', '.join(map(str, CELLS))} normal cells of NASNet-A "
    f"(up to {14 * CELLS[-1]} operators), cut into parts of {PART} operators, each solved with the state that the one "
    "before left; in KiB {each}. Against a memory whose tensors could be moved for nothing, {left:.2g} of the bytes "
    "are left. The paper has other searched networks, so a fifth is allowed."
)
LEFT = (
    "Of the bytes beyond the compulsory ones, the share that is left beside the order as given with what is used again "
    "last leaving, in a memory whose tensors could be moved for nothing: a stricter baseline than a compiler has, and "
    "ours; the abstract, all of the paper that was at hand, says only that its baselines are existing methods. Blocks "
    "of a few operators leave little to choose: of five that move anything, two move no less in any order."
)
ADDRESSES = "Whether the best plan of each block finds an address for every stay, without moving any."
OPTIMAL = "The integer programme ends with a proof for every block, and never moves more."

STUDY = Study(
    name="cosma",
    title=(
        "Combined Scheduling, Memory Allocation and Tensor Replacement for Minimizing Off-Chip Data Accesses of DNN "
        "Accelerators"
    ),
    family="on-chip/scratchpad",
    grade="A",
    source="Li, Gupta, Malik. arXiv 2311.18246",
    memory=(
        "An integer programme chooses the order of operators, where tensors lie and which leave, for the least traffic."
    ),
    not_ours="Nothing of the claim but its graphs and baselines.",
    run=run_study,
)
