"""From an error to the lines that a user reads and the exit code."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from typing import Any

import typer

from hiersim.errors import ConfigError, HiersimError, LawError, Mistake, OutputError, nearest

MISTAKE, DEFECT, INTERRUPTED, BROKEN_PIPE = 2, 1, 130, 141
"""Exit codes."""

_Usage: Any = [kind for kind in typer.BadParameter.__mro__ if hasattr(kind, "format_message")][-1]


def failure_lines(why: Exception, arguments: Sequence[str]) -> tuple[list[str], int]:
    """Return the lines to show and the exit code; no lines for an error that is a defect and needs its traceback."""
    if isinstance(why, LawError):
        return [*str(why).splitlines(), "This is a defect of hiersim; please report it with the scenario."], DEFECT
    if isinstance(why, OutputError):
        return [str(why), "nothing was written."], MISTAKE
    if isinstance(why, ConfigError):
        return [*aligned(why.mistakes), _end(len(why.mistakes), arguments)], MISTAKE
    if isinstance(why, HiersimError):
        return [*str(why).splitlines(), _end(1, arguments)], MISTAKE
    if isinstance(why, _Usage):
        return usage_lines(why), MISTAKE
    if isinstance(why, MemoryError):
        return [f"not enough memory{f' ({why})' if str(why) else ''}", _end(0, arguments)], MISTAKE
    if isinstance(why, OSError):
        place = f"{why.filename}: " if why.filename else ""
        return [f"{place}{why.strerror or why}"], MISTAKE
    return [], DEFECT


def _end(mistakes: int, arguments: Sequence[str]) -> str:
    count = f"{mistakes} mistake{'s' * (mistakes != 1)}, " if mistakes else ""
    return f"{count}nothing was {'run' if set(arguments[:1]) & {'run', 'replay', 'mrc', 'check'} else 'done'}."


def aligned(mistakes: Sequence[Mistake]) -> list[str]:
    """Return one line per mistake, its place, key and message in columns where the terminal is wide enough."""
    rows = [(f"{m.file}:{m.line}" if m.file and m.line else m.file or "", m.where, m.what) for m in mistakes]
    widths = [max((len(row[i]) for row in rows), default=0) for i in (0, 1)]
    if sum(widths) > shutil.get_terminal_size().columns * 0.6:
        return [str(mistake) for mistake in mistakes]
    cells = [[row[i].ljust(widths[i]) for i in (0, 1) if widths[i]] + [row[2]] for row in rows]
    return ["  ".join(cell) for cell in cells]


def usage_lines(why: Any) -> list[str]:
    """Return what is wrong with a command line: the mistake with the nearest valid name, and where help is."""
    context = getattr(why, "ctx", None)
    path = context.command_path if context else "hiersim"
    if type(why).__name__ == "NoArgsIsHelpError":  # nothing was asked, so what there is to ask is all there is to say
        return [str(why.format_message())]
    name = getattr(why, "option_name", None)
    if name is not None:
        known = _options(context)
        what = f"no such option: {name}{nearest(name, known)}"
    else:
        what = str(why.format_message()).removesuffix(".")
        what = _plain_choice(what[:1].lower() + what[1:])
    return [f"{path}: {what}", f"(see {path} --help)"]


def _options(context: Any) -> list[str]:
    parameters = context.command.get_params(context) if context else []
    return [option for parameter in parameters for option in parameter.opts if option.startswith("--")]


def _plain_choice(text: str) -> str:
    """Spell a suggestion as all other messages of hiersim do."""
    return text.replace(". Did you mean ", "; did you mean ").replace("'", "`") if "Did you mean" in text else text


def warn(text: str) -> None:
    """Print a line on standard error."""
    print(text, file=sys.stderr)
