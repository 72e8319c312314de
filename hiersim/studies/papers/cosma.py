"""COSMA: order, addresses and eviction chosen together, against an order by rule with Belady's eviction."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache

from hiersim.scratchpad.graph import Graph
from hiersim.scratchpad.networks import NETWORKS, attention
from hiersim.scratchpad.operations import to_operations
from hiersim.scratchpad.orders import scheduled
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


def capacity_of(graph: Graph) -> int:
    """Return half way from the least that a graph runs in to all that lives at once in the order as given."""
    return (graph.most_bytes + scheduled(graph).peak_bytes) // 2


@cache
def plans(name: str) -> tuple[Plan, Plan]:
    """Return a network's plan by Belady in the order as given, and the best of all orders."""
    graph = GRAPHS[name]()
    room = capacity_of(graph)
    return plan(scheduled(graph), room), best_order(graph, room, seconds=SECONDS)


def simulated(chosen: Plan) -> int:
    """Return the bytes that a run of a plan moves beyond the compulsory ones."""
    on = chip({"part": "a100-smem", "capacity": f"{chosen.capacity_bytes} B"}, "a100-40g-hbm2", "a100-sxm-gpu")
    return moved(run(on, to_operations(chosen))) - chosen.schedule.graph.compulsory_bytes


def run_study() -> Sequence[Finding]:
    """Simulate both plans of every block of a network."""
    extra = {name: tuple(simulated(each) for each in plans(name)) for name in GRAPHS}
    left = [best / usual for usual, best in extra.values() if usual]
    told = ", ".join(f"{name} {usual / 1024:.0f} to {best / 1024:.0f}" for name, (usual, best) in extra.items())
    proven = all(plans(name)[1].order_proven for name in GRAPHS)
    planned = {name: tuple(each.extra_bytes for each in plans(name)) for name in GRAPHS}
    never = all(best <= usual for usual, best in extra.values())
    return [
        figure("left-of-non-compulsory", 0.16, sum(left) / len(left), 0.5, LEFT.format(each=told)),
        figure("as-planned", 1.0, float(planned == extra), 0.0, "Whether every run moves what its plan says; exact."),
        seen("optimum", "optimal with a proof, never worse", f"proven: {proven}", proven and never, OPTIMAL),
    ]


LEFT = (
    "Share of the bytes beyond the compulsory ones that is left with the best order and eviction, over Belady in the "
    "order as given, with memory half way between the largest operator and all that lives at once; mean over blocks "
    "where there are any, in KiB {each}. The paper's mean is over whole networks against its own baselines, which were "
    "not at hand; half of it is allowed. Chains leave no choice: what is saved comes from graphs that branch, such as "
    "inception or a cell of NASNet, where nothing is left."
)
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
    not_ours="Nothing of the claim but its graphs and baselines; its heuristic for larger graphs (85%) is not built.",
    run=run_study,
)
