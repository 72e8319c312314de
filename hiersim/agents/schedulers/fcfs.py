"""First come, first served, as vLLM's V1 scheduler: the compiled rules of docs/serving.md once more, in Python.

A test holds it to the compiled rules, request by request and byte by byte. It is what to copy for a scheduler of
one's own.
"""

from __future__ import annotations

from typing import Any, NamedTuple


class Params(NamedTuple):
    """It has no parameters."""


def schedule(step: Any, params: Params) -> None:
    """First those that run, in the order of their admission; then, if nobody was preempted, those that wait."""
    go_on(step)
    if not step.preempted:
        take_in(step)


def go_on(step: Any) -> None:
    """Give those that run what they miss; for want of room preempt from the end."""
    running, index = step.running, 0
    while index < len(running) and step.budget:
        number = running[index]
        tokens = min(step.missing(number), step.budget)
        if tokens and not step.give(number, tokens) and not step.leaving:
            last = running.pop()
            step.preempt(last)
            if last == number:
                return
            continue
        index += 1


def take_in(step: Any) -> None:
    """Admit who waits first, as long as there is room; where nothing runs, the first gets what others keep waiting."""
    while step.budget and step.sequences and (first := step.first) is not None:
        if not step.admit(first) and (step.running or not step.unburden(first)):
            return
