"""Everything that a run leaves in a folder: JSON, tables and pictures, all of them or none."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hiersim.engine.result import Result
from hiersim.report import tables
from hiersim.report.artist import Artist
from hiersim.report.files import Content, write_files
from hiersim.report.json import dump, to_json
from hiersim.report.known import intervals_in

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from hiersim.config import Scenario

RESULT, SCENARIO = "result.json", "scenario.yaml"
"""Files of a run's folder."""


def write_all(
    result: Result,
    folder: Path | str,
    deterministic: bool = False,
    pictures: bool = True,
    artist: Artist | None = None,
    shortest_ps: int | None = None,
    scenario: Scenario | None = None,
    more: Mapping[str, Any] | None = None,
    files: Mapping[str, Content] | None = None,
) -> list[Path]:
    """Write ``result.json``, ``scenario.yaml``, ``tables/*.parquet``, pictures as PNG and SVG, a timeline.

    Returns the paths.

    Args:
        result: the run.
        folder: where to; it is made if need be.
        deterministic: leave the wall time out of the JSON, so that equal runs give equal bytes.
        pictures: draw, which takes about a second.
        artist: draws; when absent the pictures are drawn here.
        shortest_ps: as in ``write_timeline``, in picoseconds; one is written where the run kept it, or where it
            served requests and the scenario asks for one.
        scenario: what was run, if that is known.
        more: further keys of the JSON, such as ``uncertainty``, whose intervals are drawn too.
        files: further files by relative name.

    Raises:
        OutputError: something cannot be written; what was in the folder before is unchanged then.
    """
    drawn = (artist or Artist(helped=False)).contents(result, intervals_in(more or {})) if pictures else {}
    document = to_json(result, deterministic) | dict(more or {})
    contents: dict[str, Content] = {RESULT: dump(document)}
    if scenario is not None:
        from hiersim.config.text import scenario_text

        contents[SCENARIO] = scenario_text(scenario).encode()
    contents |= tables.contents(result) | dict(files or {})
    if result.timeline is not None:
        from hiersim.report.timeline.write import FILE, content

        contents[FILE] = content(result, shortest_ps)
    elif result.requests is not None and scenario is not None and scenario.outputs.timeline:
        from hiersim.report.timeline.requests import content as of_requests
        from hiersim.report.timeline.write import FILE

        contents[FILE] = of_requests(result, shortest_ps, scenario.outputs.timeline_window)
    return write_files(folder, contents | drawn)


def write_picture(ax: Axes, path: Path | str) -> Path:
    """Write the figure that holds the axes as ``.png`` or ``.svg``, whole or not at all, and return the path.

    Raises:
        OutputError: it cannot be written.
    """
    from hiersim.report.style import figure_of, save

    path = Path(path)
    return write_files(path.parent, {path.name: lambda file: save(figure_of(ax), file, path.suffix[1:])})[0]
