"""A trace that is made piece by piece runs as it does whole, whatever the pieces."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pytest
from execute.parity import setting_of
from strategies.operations import task

from hiersim.drivers.execute.run import run_operations
from hiersim.errors import ConfigError, TraceError
from hiersim.report.json import to_json
from hiersim.traces.operation import Operations, OperationStream


def pieces_of(operations, length):
    """Cut operations into pieces of a length."""
    for start in range(0, len(operations), length):
        stop = min(start + length, len(operations))
        columns = {}
        for field in fields(Operations):
            column = getattr(operations, field.name)
            if field.name in ("offsets", "after_offsets"):
                columns[field.name] = column[start : stop + 1] - column[start]
            elif field.name in ("uses", "use_bytes") and column is not None:
                columns[field.name] = column[operations.offsets[start] : operations.offsets[stop]]
            elif field.name == "after":
                columns[field.name] = column[operations.after_offsets[start] : operations.after_offsets[stop]]
            else:
                columns[field.name] = None if column is None else column[start:stop]
        yield Operations(**columns)


def outcome(setting, trace):
    try:
        result = run_operations(setting, trace, "pieces", {})
    except (ConfigError, TraceError) as why:
        return str(why).partition(":")[0].partition(" at ")[0].rpartition("#")[2]
    return to_json(result, deterministic=True), result.timeline.done_ps.tolist()


@pytest.mark.parametrize("length", [1, 2, 5, 13])
def test_pieces_make_no_difference(length):
    for seed in range(40):
        drawn = task(seed, tight=seed % 3 == 0)
        trace = drawn.trace
        lazy = OperationStream(trace.header, lambda trace=trace: pieces_of(trace.operations, length), len(trace))
        whole = outcome(setting_of(drawn), trace)
        assert outcome(setting_of(drawn), lazy) == whole, seed


def test_a_stream_is_checked_piece_by_piece():
    trace = task(3).trace
    assert len(trace) > 2
    bad = replace(trace.operations, flops=np.full(len(trace), -1))
    lazy = OperationStream(trace.header, lambda: pieces_of(bad, 2), len(trace))
    with pytest.raises(TraceError, match="operation #0: flops may not be negative"):
        list(lazy.chunks())
    assert lazy.whole is not None
    good = OperationStream(trace.header, lambda: pieces_of(trace.operations, 2), len(trace))
    assert good.whole().fingerprint() == trace.fingerprint()
