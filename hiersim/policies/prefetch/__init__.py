"""Prefetchers: which objects a near tier should fetch before anybody asks for them.

**The contract.** As a replacement policy (`hiersim.policies`), a prefetcher is one file of plain, undecorated functions
over arrays. The package compiles them; a user's own file works by its path, with bounds checks.

    class State(NamedTuple)             one-dimensional arrays, each with its dtype and meaning in a comment;
                                        a number that changes is an array of length 1
    init(setup) -> State                `contract.Setup`: number of objects, accesses and streams, the parameters, what
                                        the trace says of sizes and layers
    on_access(state, key, req, out)     an access of ``key`` is done, and ``req`` (`contract.Access`) says how it went:
                                        write the keys to fetch into ``out`` (int64[setup.most]), the most urgent
                                        first, and return how many they are

It hears of every access of the units whose near tier this is, in the order in which they are done, and answers at
once. It need not know what is where: keys that are here already, on their way, or nowhere further out are passed over.
The others are fetched in the order in which they stand, behind all other traffic, as long as no more than the tier's
``outstanding`` are on their way and the tier's policy finds room for them; the rest is dropped, so that a key that
still matters must be named again. docs/model.md, section 12, is the exact text.

Optional names in the file:

    Params                              a NamedTuple of typed parameters with defaults, set as ``name:param=value``
    check_params(params) -> str         what is wrong with them, or ""
    check_setup(setup) -> str           what a run lacks that it needs, or ""; ``params`` are in the setup
    NEEDS_FUTURE = True                 it reads ``setup.trace`` and ``setup.following``

A new prefetcher is its file and one line in ``TABLE``; a variant is a line with other parameters.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hiersim.policies.family import Family
from hiersim.policies.prefetch.contract import Access, Setup

if TYPE_CHECKING:
    from hiersim.policies.loader import Policy

_HERE = "hiersim.policies.prefetch"
TABLE = {
    "next-n": f"{_HERE}.next_n",
    "stride": f"{_HERE}.stride",
    "leap": f"{_HERE}.leap",
    "successor": f"{_HERE}.successor",
    "layer-ahead": f"{_HERE}.layer_ahead",
    "oracle": f"{_HERE}.oracle",
}
NAMES = tuple(TABLE)
PREFETCH = Family(
    kind="prefetcher",
    table=TABLE,
    hooks={"on_access": ("state", "key", "req", "out")},
    optional=(),
    results={"on_access": "the number of keys in out"},
    arguments={"key": 0, "req": Access(0, 1, 0, 0, 0, 0, 0), "out": np.empty(8, np.int64)},
    sample=Setup(
        objects=16,
        accesses=64,
        streams=2,
        sizes=np.ones(16, np.int64),
        layers=np.arange(16, dtype=np.int32) // 4,
        trace=np.zeros(64, np.int32),
        following=np.append(np.arange(1, 64), -1),
    ),
    listed=", ".join(TABLE) + ", or a file",
)


def find(spec: str, *, check: bool | None = None) -> Policy:
    """Return a prefetcher, compiled on first use.

    Args:
        spec: one of ``NAMES`` or the path of a Python file, either with parameters: ``leap:window=16``.
        check: compile with bounds checks; by default for files, and not for the package's own.

    Raises:
        PolicyError: there is no such prefetcher or parameter, or a user's file is wrong; one line that says where.
    """
    from hiersim.policies import loader

    return loader.find(spec, check=check, family=PREFETCH)
