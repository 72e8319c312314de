"""Requests from tables with named columns: which column is what under its many names, and one trace from many runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hiersim.errors import TraceError, nearest
from hiersim.traces.checker import Clock
from hiersim.traces.options import ReadOptions
from hiersim.traces.request import RequestTrace
from hiersim.traces.tabular import plain, unit_of

if TYPE_CHECKING:
    import polars as pl

Where = Callable[[int], str]

REQUEST_NAMES: dict[str, tuple[str, ...]] = {
    "time": ("timestamp", "arrival_time", "arrived_at", "arrival", "start_time", "time", "ts"),
    "prompt": (
        "prompt_tokens", "prompt_len", "prompt_length", "input_tokens", "input_toks", "input_len", "input_length",
        "request_tokens", "num_prompt_tokens", "num_prefill_tokens", "context_tokens", "contexttokens",
    ),
    "output": (
        "output_tokens", "output_toks", "output_len", "output_length", "response_tokens", "completion_tokens",
        "generated_tokens", "generatedtokens", "num_decode_tokens",
    ),
    "session": ("session", "session_id", "conversation_id", "conversation", "chat_id"),
}  # fmt: skip
NEEDED = ("prompt", "output")
MOST_TOKENS = 10**9


def request_roles(headers: Sequence[str], mapping: Mapping[str, str | int], source: str) -> dict[str, str]:
    """Return role -> column for the columns that mean something to requests.

    Raises:
        TraceError: a mapped column or role is missing, or no column holds the tokens of prompts or answers.
    """
    found: dict[str, str] = {}
    for role, wanted in mapping.items():
        if role not in REQUEST_NAMES:
            hint = nearest(role, REQUEST_NAMES)
            raise TraceError(f"{source}: no column role `{role}`{hint} (of requests: {', '.join(REQUEST_NAMES)})")
        if str(wanted) not in headers:
            hint = nearest(str(wanted), headers)
            raise TraceError(f"{source}: no column `{wanted}` for {role}{hint} (there are {', '.join(headers)})")
        found[role] = str(wanted)
    for role, names in REQUEST_NAMES.items():
        for header in headers:
            name = unit_of(header)[0] if role == "time" else plain(header)
            if role not in found and name in names:
                found[role] = header
    for role in NEEDED:
        if role not in found:
            hint = nearest(REQUEST_NAMES[role][0], [header for header in headers if header not in found.values()])
            raise TraceError(
                f"{source}: no column holds the tokens of {'prompts' if role == 'prompt' else 'answers'}, such as "
                f"{', '.join(REQUEST_NAMES[role][:3])}{hint} (there are {', '.join(headers)})"
            )
    return found


class RequestRuns:
    """Gathers the requests of one source, run after run.

    Attributes:
        left: requests still to be read; ``None`` for all.
    """

    def __init__(self, source: str, options: ReadOptions) -> None:
        self._source, self.left = source, options.limit
        self._ignore_time = options.ignore_time
        self._clock = Clock()
        self._sessions: dict[str, int] = {}
        self._parts: dict[str, list[NDArray[Any]]] = {key: [] for key in ("time", "prompt", "output", "session")}

    @property
    def full(self) -> bool:
        """Whether as many requests are here as are to be read."""
        return self.left == 0

    def head(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Return the rows of a run that are still to be read."""
        return frame if self.left is None else frame.head(self.left)

    def add(self, columns: Mapping[str, NDArray[Any]], tick_ps: int, where: Where) -> None:
        """Take up the requests of a run.

        Args:
            columns: ``prompt`` and ``output`` tokens, perhaps ``time`` in ticks and ``session`` as numbers.
            tick_ps: picoseconds of a tick.
            where: names the place of the n-th request.

        Raises:
            TraceError: a number of tokens is impossible, time goes backwards.
        """
        count = len(columns["prompt"])
        self.left = None if self.left is None else self.left - count
        for role in NEEDED:
            wrong = (columns[role] < 0) | (columns[role] > MOST_TOKENS)
            if wrong.any():
                i = int(np.argmax(wrong))
                what = "a prompt" if role == "prompt" else "an answer"
                raise TraceError(f"{where(i)}: {what} has 0 to {MOST_TOKENS:,} tokens, got {columns[role][i]}")
            self._parts[role].append(columns[role].astype(np.int64))
        time = np.zeros(count, np.int64)
        if "time" in columns and not self._ignore_time:
            time = self._clock.picoseconds(columns["time"], tick_ps, where)
        self._parts["time"].append(time)
        self._parts["session"].append(columns.get("session", np.full(count, -1)).astype(np.int32))

    def sessions(self, column: pl.Series) -> NDArray[np.int64]:
        """Return the numbers of sessions named by words or numbers, by first appearance; -1 for empty fields."""
        import polars as pl

        words = column.cast(pl.String).str.strip_chars()
        words = words.set(words == "", None)
        for word in words.drop_nulls().unique(maintain_order=True).to_list():
            self._sessions.setdefault(word, len(self._sessions))
        numbers = words.replace_strict(
            list(self._sessions), list(self._sessions.values()), default=None, return_dtype=pl.Int64
        )
        return numbers.fill_null(-1).to_numpy()

    def trace(self, notes: tuple[str, ...] = ()) -> RequestTrace:
        """Return all requests taken up; they name no prefix blocks.

        Raises:
            TraceError: there are none.
        """
        if not sum(map(len, self._parts["time"])):
            raise TraceError(f"{self._source}: no records")
        time_ps, prompt, output, session = (np.concatenate(part) for part in self._parts.values())
        return RequestTrace(
            time_ps=time_ps,
            prompt_tokens=prompt,
            output_tokens=output,
            session=session,
            block_offsets=np.zeros(len(time_ps) + 1, np.int64),
            block_ids=np.empty(0, np.int32),
            original_block_id=np.empty(0, np.int64),
            block_tokens=0,
            notes=notes,
        )
