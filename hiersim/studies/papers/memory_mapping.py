"""The memory-mapping game: which tensors are in fast memory when, and where, judged by simulated time."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from hiersim.engine.result import Result
from hiersim.scratchpad.allocate import least_bytes
from hiersim.scratchpad.networks import NETWORKS
from hiersim.scratchpad.operations import to_operations
from hiersim.scratchpad.orders import scheduled
from hiersim.scratchpad.programmes import least_moved
from hiersim.scratchpad.replace import Plan, plan
from hiersim.studies.claim import Finding, Study, figure, seen
from hiersim.studies.operated import chip, run
from hiersim.studies.papers.cosma import capacity_of

GAMES = {"inception": "given", "densenet": "given", "nasnet": "least-growth", "attention": "given"}
"""Blocks of networks, and the order of their operators."""
PLAYERS = ("lru", "belady", "gaps", "optimum")


@cache
def played(game: str, player: str) -> tuple[Plan, Result]:
    """Return a player's plan for a game, and a run of it on a chip with as much fast memory as the game allows."""
    graph = NETWORKS[game]()
    chosen = plan(scheduled(graph, GAMES[game]), capacity_of(graph), player)
    on = chip({"part": "a100-smem", "capacity": f"{chosen.capacity_bytes} B"}, "a100-40g-hbm2", "a100-sxm-gpu")
    return chosen, run(on, to_operations(chosen))


def time_of(game: str, player: str) -> int:
    """Return a game's simulated time in picoseconds."""
    return played(game, player)[1].elapsed_ps


def run_study() -> Sequence[Finding]:
    """Play every game by every rule, and by the programme."""
    best = {game: time_of(game, "optimum") for game in GAMES}
    over = {who: [time_of(game, who) / best[game] for game in GAMES] for who in PLAYERS}
    told = "; ".join(f"{who} {', '.join(f'{x:.3f}' for x in each)}" for who, each in over.items() if who != "optimum")
    mean = {who: sum(each) / len(each) for who, each in over.items()}
    pays = mean["lru"] > max(mean["belady"], mean["optimum"])
    exact = [played(game, who)[1].tiers["hbm"] for game in GAMES for who in PLAYERS]
    planned = [played(game, who)[0].moved_bytes for game in GAMES for who in PLAYERS]
    return [
        figure("moves-as-planned", sum(planned), sum(t.read_total + t.written_total for t in exact), 0.0, MOVES),
        seen("look-ahead-pays", "who looks ahead maps better", told, pays, TIMES),
        _in_one_piece(),
    ]


def _in_one_piece() -> Finding:
    """Ask for addresses as well: the same game, in which room in pieces is no room."""
    graph = NETWORKS["inception"]()
    schedule, room = scheduled(graph), capacity_of(graph)
    free, fixed = plan(schedule, room, "optimum"), least_moved(schedule, room, addresses=True, seconds=20.0)
    fits = least_bytes(fixed.blocks()) <= room and fixed.moved_bytes >= free.moved_bytes
    told = f"{free.moved_bytes:,} B, with addresses {fixed.moved_bytes:,} B"
    return seen("addresses", "offsets are part of the game", told, fits, ADDRESSES)


MOVES = "Bytes that all runs moved, against those of the plans; exact."
TIMES = (
    f"Simulated time over that of the fewest bytes, an integer programme's, games {', '.join(GAMES)}. Seen when LRU, "
    "which does not look ahead, takes longest in the mean. Fewest bytes are not always the shortest time: a store "
    "can hide behind an operator, where a load is waited for."
)
ADDRESSES = "Bytes moved by the best mapping of the game `inception`, without and with an address for every stay."

STUDY = Study(
    name="memory-mapping",
    title="Optimizing Memory Mapping Using Deep Reinforcement Learning",
    family="on-chip/scratchpad",
    grade="A",
    source="Wang, Mandhane, Gelada and others. arXiv 2305.07440",
    memory=(
        "Tensors with lifetimes, fast and slow memory, copies that cost time: each decision is a move, the score is "
        "the time of the program."
    ),
    not_ours="What the learned player gains; the abstract states no figure of memory.",
    run=run_study,
)
