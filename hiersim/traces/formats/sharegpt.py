"""ShareGPT-like JSON of lengths: conversations whose messages say how many tokens they have, or plain lengths.

An array, or a line each, of ``{"conversations": [{"from": "human", "tokens": 12}, {"from": "gpt", "tokens": 340}]}``;
of objects with the tokens of a prompt and its answer; or of pairs ``[prompt, answer]``. Every answer is a request
whose prompt is all that is before it; it waits for the answer before it, and shares prefix blocks with it.
"""

from __future__ import annotations

import contextlib
import io
import json
from collections.abc import Iterator
from functools import partial
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hiersim.errors import TraceError
from hiersim.traces.formats.format import Format
from hiersim.traces.formats.json_lines import Place, entries, explain, records_of
from hiersim.traces.formats.vllm import NO_TIME
from hiersim.traces.options import ReadOptions
from hiersim.traces.prefix_blocks import session_blocks
from hiersim.traces.request import RequestTrace
from hiersim.traces.request_columns import MOST_TOKENS, NEEDED, RequestRuns, request_roles

if TYPE_CHECKING:
    import polars as pl

Blocks = Iterator[tuple[Place, bytes]]

TALK = "conversations"
WHO = ("from", "role")
LENGTH = ("tokens", "num_tokens", "length", "len", "value")
ANSWERS = ("gpt", "assistant", "chatgpt", "bing", "bard", "model")


def sniff(path: Path, start: bytes) -> bool:
    """Tell whether this is a JSON array, or has conversations."""
    return start.lstrip()[:1] == b"[" or (start.lstrip()[:1] == b"{" and f'"{TALK}"'.encode() in start)


def read(path: Path, options: ReadOptions) -> RequestTrace:
    """Read a file of conversations or lengths.

    Raises:
        TraceError: not such JSON, a message has no length, a number is impossible.
    """
    blocks = entries(path)
    start = next(blocks, None)
    if start is None:
        raise TraceError(f"{path}: no records")
    blocks, first = chain([start], blocks), _first(*start)
    if isinstance(first, list):
        return _pairs(path, blocks, options)
    if TALK in first:
        return _talks(path, blocks, _keys(path, first), options)
    role = request_roles(list(first), options.columns, str(path))
    return _flat(path, blocks, {key: role[key] for key in NEEDED}, options)


def _first(place: Place, data: bytes) -> Any:
    """Return the first record, by which the shape of all is known."""
    try:
        record = json.loads(next(each for each in data.split(b"\n") if each.strip()))
    except (ValueError, RecursionError, StopIteration):
        record = None
    if not isinstance(record, dict | list):
        explain(place, data, lambda record: "" if isinstance(record, dict | list) else "expected an object or a pair")
    return record


def _parsed(place: Place, data: bytes, schema: dict[str, Any]) -> pl.DataFrame:
    """Return the records of a block, none of whose fields is empty."""
    import polars as pl

    try:
        frame = pl.read_ndjson(io.BytesIO(data), schema=schema)
    except pl.exceptions.PolarsError:
        explain(place, data, partial(_mistake, list(schema)))
    if any(frame[name].has_nulls() for name in schema):
        explain(place, data, partial(_mistake, list(schema)))
    return frame


def _flat(path: Path, blocks: Blocks, role: dict[str, str], options: ReadOptions) -> RequestTrace:
    """Return a request for each object."""
    import polars as pl

    runs = RequestRuns(str(path), options)
    for place, data in blocks:
        kept = runs.head(_parsed(place, data, dict.fromkeys(role.values(), pl.Int64)))
        runs.add({key: kept[name].to_numpy() for key, name in role.items()}, 1, place)
        if runs.full:
            break
    return runs.trace(NO_TIME)


def _pairs(path: Path, blocks: Blocks, options: ReadOptions) -> RequestTrace:
    """Return a request for each pair of numbers."""
    runs = RequestRuns(str(path), options)
    for place, data in blocks:
        kept = runs.head(_pair_table(place, data))
        runs.add({"prompt": kept["prompt"].to_numpy(), "output": kept["output"].to_numpy()}, 1, place)
        if runs.full:
            break
    return runs.trace(NO_TIME)


def _pair_table(place: Place, data: bytes) -> pl.DataFrame:
    """Return lines of pairs as a table: ``[1, 2]`` is CSV in brackets, if there is nothing else in them."""
    import polars as pl

    bare = data.translate(None, b" \t\r").strip(b"\n") + b"\n"
    while b"\n\n" in bare:
        bare = bare.replace(b"\n\n", b"\n")
    lines = bare.count(b"\n")
    plain = not bare.translate(None, b"0123456789-,[]\n") and bare.count(b"[") == bare.count(b"]") == lines
    table = pl.DataFrame()
    if plain and bare[:1] == b"[" and bare.count(b"]\n") == lines == bare.count(b"\n[") + 1:
        schema = {"prompt": pl.Int64, "output": pl.Int64}
        with contextlib.suppress(pl.exceptions.PolarsError):
            table = pl.read_csv(io.BytesIO(bare.translate(None, b"[]")), has_header=False, schema=schema)
    if len(table) != lines or any(column.has_nulls() for column in table):
        explain(place, data, lambda pair: "" if _is_pair(pair) else "expected a pair of integers [prompt, answer]")
    return table


def _is_pair(record: object) -> bool:
    return isinstance(record, list) and len(record) == 2 and all(type(each) is int for each in record)


def _keys(path: Path, first: dict[str, Any]) -> tuple[str, str]:
    """Return under which names messages say whose they are and how long."""
    messages = first[TALK] if isinstance(first[TALK], list) else []
    message = next((each for each in messages if isinstance(each, dict)), {})
    who = next((name for name in WHO if name in message), "")
    length = next((name for name in LENGTH if type(message.get(name)) is int), "")
    if message and not who:
        raise TraceError(f"{path}: messages do not say whose they are: one of {', '.join(WHO)} (`human`, `gpt`)")
    if message and not length:
        names = ", ".join(LENGTH[:-1])
        raise TraceError(f"{path}: messages have no lengths: one of {names} must be the number of a message's tokens")
    return who or WHO[0], length or LENGTH[0]


def _talks(path: Path, blocks: Blocks, keys: tuple[str, str], options: ReadOptions) -> RequestTrace:
    """Return a request for each answer of each conversation."""
    parts: list[tuple[Any, Any, Any]] = []
    talks, left = 0, options.limit
    for place, data in blocks:
        talk, prompt, output = (column[:left] for column in _answers(place, data, keys))
        parts.append((talk + talks, prompt, output))
        talks, left = talks + data.count(b"\n") + 1, None if left is None else left - len(talk)
        if left == 0:
            break
    talk, prompt, output = (np.concatenate(column) for column in zip(*parts, strict=True))
    if not len(talk):
        raise TraceError(f"{path}: no records: no message is an answer (of {', '.join(ANSWERS[:2])}) to another")
    follows = np.concatenate([[False], talk[1:] == talk[:-1]])
    session, none = np.cumsum(~follows) - 1, np.zeros(len(talk), np.int64)
    offsets, numbers = session_blocks(prompt, session, none, none, options.block_tokens)
    return RequestTrace(
        time_ps=none,
        prompt_tokens=prompt,
        output_tokens=output,
        session=session.astype(np.int32),
        block_offsets=offsets,
        block_ids=numbers,
        original_block_id=np.arange(int(numbers.max(initial=-1)) + 1),
        block_tokens=options.block_tokens,
        notes=NO_TIME,
        after=np.where(follows, np.arange(len(talk)) - 1, -1).astype(np.int32),
    )


def _answers(place: Place, data: bytes, keys: tuple[str, str]) -> tuple[Any, Any, Any]:
    """Return (conversation, prompt tokens, output tokens) of each answer in a block."""
    who, length = keys
    try:
        talks = [record[TALK] for record in records_of(data)]
        tokens = np.array([message[length] for talk in talks for message in talk])
        answers = np.array([message[who].lower() in ANSWERS for talk in talks for message in talk], bool)
    except (ValueError, RecursionError, LookupError, TypeError, AttributeError):
        explain(place, data, partial(_unsaid, keys))
    if len(tokens) and (tokens.dtype.kind != "i" or tokens.min() < 0 or tokens.max() > MOST_TOKENS):
        explain(place, data, partial(_unsaid, keys))
    talk = np.repeat(np.arange(len(talks)), [len(each) for each in talks])
    return _requests(talk, answers, tokens.astype(np.int64))


def _unsaid(keys: tuple[str, str], record: Any) -> str:
    """Return what is wrong with one conversation, or an empty string."""
    who, length = keys
    messages = record.get(TALK) if isinstance(record, dict) else None
    if not isinstance(messages, list) or not all(isinstance(each, dict) for each in messages):
        return f"`{TALK}` must be a list of messages"
    for each in messages:
        tokens = each.get(length)
        if not isinstance(each.get(who), str) or type(tokens) is not int or not 0 <= tokens <= MOST_TOKENS:
            return (
                f"a message needs `{who}`, and `{length}` of 0 to {MOST_TOKENS:,} tokens, got {json.dumps(each)[:60]}"
            )
    return ""


def _requests(talk: Any, answers: Any, tokens: Any) -> tuple[Any, Any, Any]:
    """Return (conversation, prompt tokens, output tokens) of each answer; messages in a row of one side are one.

    Args:
        talk: [messages] the conversation of each.
        answers: [messages] whether it is an answer.
        tokens: [messages] its length.
    """
    if not len(talk):
        return talk, tokens, tokens
    new = np.concatenate([[True], talk[1:] != talk[:-1]])
    turn = np.flatnonzero(new | np.concatenate([[True], answers[1:] != answers[:-1]]))
    length = np.add.reduceat(tokens, turn)
    before = np.cumsum(length) - length
    opens = new[turn]  # a conversation's first message is in this turn
    history = before - before[opens][np.cumsum(opens) - 1]
    asked = answers[turn] & ~opens
    return talk[turn][asked], history[asked], length[asked]


def _mistake(names: list[str], record: object) -> str:
    """Return what is wrong with one object, or an empty string."""
    if not isinstance(record, dict):
        return "expected an object"
    for name in names:
        value = record.get(name)
        if type(value) is not int:
            return f"`{name}` must be an integer, got {json.dumps(value)[:40]}"
    return ""


FORMAT = Format("sharegpt", "JSON of conversations whose messages have lengths, or of prompt and output lengths",
                sniff, requests=read)  # fmt: skip
