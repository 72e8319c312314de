"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Json = Annotated[
    str | None, typer.Option("--json", metavar="-|FILE", help="Write JSON: alone on standard output (-), or to a file.")
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress bars and no remarks, only results and errors.")]
Format = Annotated[
    str | None, typer.Option("--format", metavar="NAME", help="The trace's format; seen from its content when absent.")
]
Model = Annotated[
    str | None, typer.Option("--model", metavar="NAME", help="AI model that gives prefix blocks their bytes.")
]
Limit = Annotated[
    int | None, typer.Option("--limit", metavar="N", help="Read at most this many accesses, or requests.")
]
IgnoreSize = Annotated[bool, typer.Option("--ignore-size", help="Every object counts the same.")]
Capacity = Annotated[
    list[str] | None,
    typer.Option(
        "--capacity",
        "-c",
        help="4GiB; 10% of the footprint (the default); or 1000: bytes, or objects where all are equal.",
    ),
]
Predictions = Annotated[
    str | None,
    typer.Option(
        "--predictions",
        metavar="ERRORS",
        help="Of policies with predictions: perfect, noisy:sigma=.., flip:p=.. or adversarial.",
    ),
]
Order = Annotated[
    str, typer.Option("--order", help="Of a request's prefix blocks: `head` first as listed, or `tail` first.")
]
Seed = Annotated[int, typer.Option("--seed", help="Of policies that draw random numbers.")]
Workers = Annotated[int | None, typer.Option("--workers", help="Threads; they change only the time.")]
Out = Annotated[Path | None, typer.Option("--out", help="A folder for table and pictures, or a picture (.png, .svg).")]

Processes = Annotated[
    int | None,
    typer.Option("--workers", metavar="N", help="Processes; all cores when absent. They change only the time."),
]
Cluster = Annotated[
    str | None,
    typer.Option("--cluster", metavar="KIND=ADDRESS", help="A running cluster: dask=tcp://HOST:PORT or ray=auto."),
]
Kept = Annotated[
    Path | None, typer.Option("--cache", metavar="DIR", help="Folder where results are kept and looked for.")
]


OTHER_PICTURES = (".gif", ".jpg", ".jpeg", ".pdf", ".webp", ".eps")
"""Kinds of pictures that are not drawn."""


def check_numbers(seed: int, workers: int | None) -> None:
    """Raise ConfigError for a seed or a number of workers that cannot be."""
    from hiersim.errors import ConfigError, Mistake

    wrong = [Mistake("--workers", f"must be at least 1, got {workers}")] if workers is not None and workers < 1 else []
    wrong += [Mistake("--seed", f"must be 0 or more, got {seed}")] if seed < 0 else []
    if wrong:
        raise ConfigError(wrong)


def check_picture(out: Path | None) -> None:
    """Raise ConfigError where a kind of picture is asked for that is not drawn."""
    if out is not None and out.suffix.lower() in OTHER_PICTURES:
        from hiersim.errors import ConfigError, Mistake

        raise ConfigError([Mistake("--out", f"pictures are drawn as .png or .svg, not as {out.suffix}: {out}")])


def share_of(text: str, option: str, most: float | None = None) -> float:
    """Return a share of 1 that an option gives, as ``20%``: more than 0 and less than 1, or else 0 to ``most``.

    Raises:
        ConfigError: it is none, or outside.
    """
    from hiersim.errors import ConfigError, Mistake
    from hiersim.units import UnitError, parse

    try:
        share = float(parse(text, "share"))
    except UnitError as why:
        raise ConfigError([Mistake("", str(why), option)]) from None
    if not 0 < share < 1 if most is None else not 0 <= share <= most:
        allowed = "more than 0 and less than 100%" if most is None else f"0 to {most:.0%}"
        raise ConfigError([Mistake("", f"must be {allowed}, got {text}", option)])
    return share
