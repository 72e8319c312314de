"""The pictures of a run as the bytes of files."""

from __future__ import annotations

import io

from hiersim.engine.result import Result
from hiersim.report.known import Intervals

NAMES = ("stalls", "flow")
"""The pictures of a run."""
ENDINGS = ("png", "svg")
"""The formats of each."""
FILES = tuple(f"{name}.{ending}" for name in NAMES for ending in ENDINGS)


def drawn(result: Result, names: tuple[str, ...] = NAMES, intervals: Intervals | None = None) -> dict[str, bytes]:
    """Return the files of pictures by name, such as ``flow.svg``; each picture is laid out once.

    Args:
        result: the run.
        names: which pictures, of ``NAMES``.
        intervals: of the run's numbers, where they are known.
    """
    return {file: content for name in names for file, content in _files(name, result, intervals).items()}


def _files(name: str, result: Result, intervals: Intervals | None) -> dict[str, bytes]:
    from hiersim.report.flow import flow
    from hiersim.report.flow import size as flow_size
    from hiersim.report.stall_stack import size as stack_size
    from hiersim.report.stall_stack import stall_stack
    from hiersim.report.style import detached, figure_of, save, settle, styled

    with styled():
        if name == "flow":
            ax = flow(result, detached(*flow_size(result), full=True), intervals)
        else:
            ax = stall_stack(result, detached(*stack_size(result)), intervals=intervals)
        settle(figure_of(ax))
    found = {}
    for ending in ENDINGS:
        file = io.BytesIO()
        save(figure_of(ax), file, ending)
        found[f"{name}.{ending}"] = file.getvalue()
    return found
