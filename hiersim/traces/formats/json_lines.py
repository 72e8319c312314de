"""What the readers of JSON share: arrays as lines, block by block, and the first record that is wrong, in words."""

from __future__ import annotations

import gc
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from hiersim.errors import TraceError
from hiersim.jit import kernel
from hiersim.traces.files import blocks_of_lines, opened

Place = Callable[[int], str]

QUOTE, COMMA, BACKSLASH, NEWLINE, RETURN, BLANK = (ord(c) for c in '",\\\n\r ')
OPEN_LIST, CLOSE_LIST, OPEN_OBJECT, CLOSE_OBJECT = (ord(c) for c in "[]{}")
DEPTH, IN_TEXT, ESCAPED = range(3)  # what `_to_lines` carries from block to block


def places(path: Path, line: int) -> Place:
    """Return a function that names the n-th line, counted from 0, after the one before ``line``."""
    return lambda i: f"{path}:{line + i}"


def explain(place: Place, data: bytes, mistake: Callable[[object], str]) -> NoReturn:
    """Raise TraceError for the first line that is wrong.

    Args:
        place: names the place of the n-th line, counted from 0, blank ones too.
        data: lines, of which one is wrong.
        mistake: returns what is wrong with the record of a line, or an empty string.
    """
    for i, text in enumerate(data.split(b"\n")):
        if not text.strip():
            continue
        try:
            wrong = mistake(json.loads(text))
        except (ValueError, RecursionError) as why:
            wrong = f"not a JSON object ({why})" if not isinstance(why, UnicodeDecodeError) else "not text"
        if wrong:
            raise TraceError(f"{place(i)}: {wrong}")
    raise TraceError(f"{place(0)}: not readable as JSON lines")


def records_of(data: bytes) -> list[Any]:
    """Return the records of lines.

    Raises:
        ValueError: a line is not JSON.
    """
    with _no_cycles():
        found: list[Any] = json.loads(b"[" + b",".join(line for line in data.split(b"\n") if line.strip()) + b"]")
    return found


@contextmanager
def _no_cycles() -> Iterator[None]:
    """Leave the search for reference cycles out: JSON has none, and looking costs three quarters of the time."""
    watching = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if watching:
            gc.enable()


def entries(path: Path, size: int = 1 << 24) -> Iterator[tuple[Place, bytes]]:
    """Yield (place of the n-th line, whole lines) in blocks: of JSON lines, or of an array as one line an entry.

    Raises:
        TraceError: the file cannot be read, an array is not closed, or is closed twice.
    """
    with opened(path) as stream:
        start = stream.read(4096).lstrip()[:1]
    if start != b"[":
        yield from ((places(path, line), data) for line, data in blocks_of_lines(path, size))
        return
    state, number, rest = np.zeros(3, np.int64), 1, b""
    with opened(path) as stream:
        while data := stream.read(size):
            letters = np.frombuffer(data, np.uint8).copy()
            if _to_lines(letters, state) < 0:
                raise TraceError(f"{path}: entry {number:,} or later: a bracket is closed that was not opened")
            whole = rest + letters.tobytes()
            cut = whole.rfind(b"\n") + 1
            if whole[:cut].strip():
                yield _entry(path, number), whole[:cut]
            number += whole.count(b"\n", 0, cut)
            rest = whole[cut:]
    if state.any():
        raise TraceError(f"{path}: entry {number:,}: the array is cut short")
    if rest.strip():
        raise TraceError(f"{path}: there is more behind the end of the array")


def _entry(path: Path, number: int) -> Place:
    return lambda i: f"{path}: entry {number + i:,}"


@kernel
def _to_lines(letters: Any, state: Any) -> Any:
    """Turn an array's own commas and brackets into line ends and blanks, and other line ends into blanks.

    Returns the least depth, which is below 0 where a bracket is closed that was not opened.
    """
    depth, in_text, escaped, least = state[DEPTH], state[IN_TEXT], state[ESCAPED], 0
    for i in range(letters.shape[0]):
        letter = letters[i]
        if in_text:
            if escaped:
                escaped = 0
            elif letter == BACKSLASH:
                escaped = 1
            elif letter == QUOTE:
                in_text = 0
        elif letter == QUOTE:
            in_text = 1
        elif letter in (OPEN_LIST, OPEN_OBJECT):
            depth += 1
            if depth == 1:
                letters[i] = BLANK
        elif letter in (CLOSE_LIST, CLOSE_OBJECT):
            depth -= 1
            least = min(least, depth)
            if depth == 0:
                letters[i] = NEWLINE
        elif letter == COMMA and depth == 1:
            letters[i] = NEWLINE
        elif letter in (NEWLINE, RETURN):
            letters[i] = BLANK
    state[DEPTH], state[IN_TEXT], state[ESCAPED] = depth, in_text, escaped
    return least
