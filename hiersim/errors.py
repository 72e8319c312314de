"""The exceptions that hiersim raises; the command line turns each into clear lines and exit code 2.

HiersimError
├── ConfigError     a scenario, machine, model or option is wrong; carries one Mistake per problem
├── TraceError      a trace cannot be read, or says something impossible
├── PolicyError     a policy is unknown, or a user's policy file does not do what it must
├── OutputError     a result cannot be written
└── LawError        a run broke one of the conservation laws: a defect of hiersim, never of the input
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass


class HiersimError(Exception):
    """Something a user can act on; ``str()`` gives the lines to show."""


@dataclass(frozen=True)
class Mistake:
    """One problem in a file or an option: where it is, and what would have been right.

    Attributes:
        where: the dotted path of the key, such as ``tiers.dram.capacity``; empty for the whole file.
        what: what is wrong, what is allowed and the nearest valid name, in one line.
        file: the file that holds it, as the user named it; ``None`` for options and Python callers.
        line: the line in that file, counted from 1; ``None`` where there is none.
    """

    where: str
    what: str
    file: str | None = None
    line: int | None = None

    def __str__(self) -> str:
        place = self.file or ""
        if self.file and self.line:
            place = f"{self.file}:{self.line}"
        return "  ".join(part for part in (place, self.where, self.what) if part)


class ConfigError(HiersimError):
    """A scenario, machine, model or option is wrong; all its mistakes at once."""

    def __init__(self, mistakes: Sequence[Mistake] | str) -> None:
        self.mistakes = [Mistake("", mistakes)] if isinstance(mistakes, str) else list(mistakes)
        super().__init__("\n".join(str(mistake) for mistake in self.mistakes))


class TraceError(HiersimError):
    """A trace cannot be read, or says something impossible."""


class PolicyError(HiersimError):
    """A policy is unknown, or a user's policy file does not do what it must."""


class OutputError(HiersimError):
    """A result cannot be written."""


class LawError(HiersimError):
    """A run broke a conservation law: a defect of hiersim, never of the input."""


def nearest(name: str, valid: Iterable[str]) -> str:
    """Return ``"; did you mean `x`?"`` for the valid name closest to ``name``, or an empty string."""
    names = list(valid)
    same = [each for each in names if name and _letters(each) == _letters(name)]  # `S3-FIFO` means `s3fifo`
    begun = [each for each in names if name and each.startswith(name)]  # `h100` means `h100-sxm`, not `h200`
    close = same[:1] or sorted(begun, key=len)[:1] or difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    return f"; did you mean `{close[0]}`?" if close else ""


def _letters(name: str) -> str:
    """Return what two spellings of one name share: its letters and digits, in lower case."""
    return "".join(each for each in name.lower() if each.isalnum()) or name
