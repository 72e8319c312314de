"""A family of policies: where its names lead, what functions its files have, and how messages speak of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, eq=False)
class Family:
    """What the loader and the checks must know of one kind of policy.

    Attributes:
        kind: what a message calls one of them, such as ``policy``.
        table: name -> module, with parameters where the name is a variant.
        hooks: the names of the functions, each with the names of its arguments.
        optional: those that a file may lack.
        results: the functions that return an integer, and what it stands for.
        arguments: an example of each argument except ``state``, which types a function that is checked alone.
        sample: a ``Setup`` with which ``init`` is tried.
        listed: where a user finds all names, as the end of a message.
        answers: the functions that return True or False.
    """

    kind: str
    table: Mapping[str, str]
    hooks: Mapping[str, tuple[str, ...]]
    optional: tuple[str, ...]
    results: Mapping[str, str]
    arguments: Mapping[str, Any]
    sample: Any
    listed: str
    answers: tuple[str, ...] = ()
