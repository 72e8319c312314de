"""Replacement policies: which object leaves a cache when room is needed.

**The contract.** A policy is one file of plain, undecorated functions over arrays that are indexed by the object's
dense id, its *key*. The package compiles them; a user's own file works by its path, in the same way.

    class State(NamedTuple)             one-dimensional arrays, each with its dtype and meaning in a comment;
                                        a number that changes is an array of length 1
    init(setup) -> State                `contract.Setup`: capacity, number of objects, seed, the policy's parameters
    on_miss(state, key, req)            optional: ``key`` was asked for and is not here; before any room is made
    admit(state, key, req) -> bool      optional: may ``key`` come in? It is not here, and could fit; without it all may
    on_insert(state, key, req)          ``key`` is here now; may come long after the miss, or without one
    on_hit(state, key, req)             ``key`` was asked for and is here
    on_remove(state, key)               ``key`` leaves: evicted, promoted out of an exclusive tier, or taken out and
                                        put back as the newest because it was pinned
    victim(state, req) -> key           choose what should leave to make room for ``req``; only ever called when a key
                                        is here. The choice alone: if the caller follows it, it calls ``on_remove``

``req`` is a `contract.Request`: key, size in bytes (1 if all objects count the same), number of the access, and number
of the key's next access. A policy that keeps a memory of what it evicted tells eviction from other removals by what its
``victim`` chose last. It must stay consistent under any order of calls in which keys enter and leave once at a time.

Optional names in the file:

    Params                              a NamedTuple of typed parameters with defaults, set as ``name:param=value``
    check_params(params) -> str         what is wrong with them, or ""
    NEEDS_FUTURE = True                 it reads ``req.next_use``
    NEEDS_PARENTS = True                it reads ``setup.parents``, and so needs a trace of prefix blocks
    PREDICTS = "next_use"               and takes predictions there: of next uses, or of a bit (``discard``, ``phase``),
                                        which is NEVER where the key may go
    largest(setup) -> bytes             it takes no larger object, though the cache could hold it
    surplus(state) -> key               who leaves though there is room, -1 for nobody: asked after each access of an
                                        untimed replay until it says so. Tiers of timed runs evict for room alone and
                                        do not ask; so it must only choose, like ``victim``
    sheds(params) -> bool               whether it is to be asked with these parameters, which costs a little
    fetch_ahead(state, key, later)      ask for the memory (`memory.prefetch`) that an access some steps ahead will
                                        touch, whose next use is ``later``; it must change nothing
    fetch_near(state, key)              the same a few steps ahead, for memory that is found by reading the first

At any time the sizes of the keys that are here sum to the capacity at most.

A new policy is its file and one line in ``TABLE``; a variant is a line with other parameters.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hiersim.policies.contract import Request, Setup
from hiersim.policies.family import Family

if TYPE_CHECKING:
    from hiersim.policies.loader import Policy

_HERE = "hiersim.policies.replacement"
TABLE = {
    "lru": f"{_HERE}.lru",
    "fifo": f"{_HERE}.fifo",
    "clock": f"{_HERE}.clock",
    "gclock": f"{_HERE}.clock:bits=8,start=1",
    "sieve": f"{_HERE}.sieve",
    "lfu": f"{_HERE}.lfu",
    "lru-k": f"{_HERE}.lru_k",
    "lru-2": f"{_HERE}.lru_k:retained=0",
    "s3fifo": f"{_HERE}.s3fifo",
    "s3fifo-2023": f"{_HERE}.s3fifo:overflow=0",
    "clock2q+": f"{_HERE}.clock2q_plus",
    "qdlp": f"{_HERE}.qdlp",
    "2q": f"{_HERE}.two_q",
    "slru": f"{_HERE}.slru",
    "slru-lcs": f"{_HERE}.slru:early=1",
    "mq": f"{_HERE}.mq",
    "arc": f"{_HERE}.arc",
    "car": f"{_HERE}.car",
    "lirs": f"{_HERE}.lirs",
    "lirs-lcs": f"{_HERE}.lirs:early=1",
    "clock-pro": f"{_HERE}.clock_pro",
    "clock-pro-lcs": f"{_HERE}.clock_pro:cold=0.5,refuse=1",
    "size": f"{_HERE}.size",
    "size-lcs": f"{_HERE}.size:recency=0",
    "gdsf": f"{_HERE}.gdsf",
    "lfuda": f"{_HERE}.lfuda",
    "lfuda-lcs": f"{_HERE}.lfuda:step=1",
    "wtinylfu": f"{_HERE}.wtinylfu",
    "wtinylfu-lcs": f"{_HERE}.wtinylfu_lcs",
    "leaf-lru": f"{_HERE}.leaf_lru",
    "recompute-cost": f"{_HERE}.recompute_cost",
    "length-aware": f"{_HERE}.length_aware",
    "sink-window": f"{_HERE}.sink_window",
    "lra": f"{_HERE}.lru",
    "lfa": f"{_HERE}.lfu",
    "mru": f"{_HERE}.mru",
    "lecar": f"{_HERE}.lecar",
    "cacheus": f"{_HERE}.cacheus",
    "cacheus-lcs": f"{_HERE}.cacheus_lcs",
    "hyperbolic": f"{_HERE}.hyperbolic",
    "lruprob": f"{_HERE}.lruprob",
    "lhd": f"{_HERE}.lhd",
    "belady-size": f"{_HERE}.belady_size",
    "random": f"{_HERE}.random",
    "lec": f"{_HERE}.lec",
    "opt": f"{_HERE}.opt",
    "predicted-opt": f"{_HERE}.predicted_opt",
    "predictive-marker": f"{_HERE}.predictive_marker",
    "discard-flush": f"{_HERE}.discard_flush",
    "mark-discard": f"{_HERE}.mark_discard",
    "mark-predict": f"{_HERE}.mark_predict",
}
NAMES = tuple(TABLE)
HOOKS = {
    "on_miss": ("state", "key", "req"),
    "on_insert": ("state", "key", "req"),
    "on_hit": ("state", "key", "req"),
    "on_remove": ("state", "key"),
    "victim": ("state", "req"),
    "fetch_ahead": ("state", "key", "later"),
    "fetch_near": ("state", "key"),
    "admit": ("state", "key", "req"),
    "surplus": ("state",),
}
OPTIONAL = ("on_miss", "fetch_ahead", "fetch_near", "admit", "surplus")
REPLACEMENT = Family(
    kind="policy",
    table=TABLE,
    hooks=HOOKS,
    optional=OPTIONAL,
    results={"victim": "a key", "surplus": "a key"},
    arguments={"key": 0, "req": Request(0, 1, 0, 0), "later": 0},
    sample=Setup(capacity=8, objects=16, accesses=64, uniform=True, seed=1),
    listed="`hiersim policies` lists all",
    answers=("admit",),
)


@dataclass(frozen=True)
class Description:
    """A policy as a list shows it.

    Attributes:
        name: as a user writes it.
        kind: ``policy``, ``admission`` or ``prefetcher``.
        summary: its idea in a line.
        citation: where it comes from.
        params: its parameters' defaults.
        needs_future: whether it must be told what comes.
    """

    name: str
    kind: str
    summary: str
    citation: str
    params: dict[str, Any]
    needs_future: bool


def find(spec: str, *, check: bool | None = None) -> Policy:
    """Return a policy, compiled on first use.

    Args:
        spec: one of ``NAMES`` or the path of a Python file, either with parameters: ``s3fifo:small=0.2``.
        check: compile with bounds checks; by default for files, and not for the package's own policies.

    Raises:
        PolicyError: there is no such policy or parameter, or a user's file is wrong; one line that says where.
    """
    from hiersim.policies import loader

    return loader.find(spec, check=check)


def families() -> tuple[Family, ...]:
    """Return the kinds of policies: of replacement, of admission, and prefetchers."""
    from hiersim.policies.admission import ADMISSION
    from hiersim.policies.prefetch import PREFETCH

    return REPLACEMENT, ADMISSION, PREFETCH


def describe(name: str | None = None, family: Family = REPLACEMENT) -> list[Description]:
    """Describe one policy of a family, or all in the order of its table."""
    return [_describe(each, family) for each in ([name] if name else family.table)]


def _describe(name: str, family: Family) -> Description:
    from hiersim.policies import loader

    policy = loader.find(name, family=family)
    summary, _, rest = (policy.module.__doc__ or "").strip().partition("\n")
    citation = " ".join(rest.strip().split("\n\n")[-1].split())
    params = policy.params._asdict() if policy.params else {}
    return Description(name, family.kind, summary, citation, params, policy.needs_future)
