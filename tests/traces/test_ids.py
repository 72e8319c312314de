"""Dense numbering equals a dictionary's, whatever the ids and the chunks."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hiersim.traces.ids import Numbering


def by_dictionary(ids):
    table = {}
    return [table.setdefault(i, len(table)) for i in ids], list(table)


@settings(derandomize=True, deadline=None, max_examples=60)
@given(st.lists(st.integers(-(2**63), 2**63 - 1) | st.integers(0, 20), max_size=300), st.integers(1, 50))
def test_equals_a_dictionary_in_any_chunks(ids, chunk):
    numbering = Numbering(slots=8)
    keys, numbers, first_ids = np.array(ids, np.int64), [], []
    for at in range(0, len(keys), chunk):
        part, first = numbering.add(keys[at : at + chunk])
        numbers += part.tolist()
        first_ids += keys[at : at + chunk][first].tolist()
    assert (numbers, first_ids) == by_dictionary(ids)
    assert numbering.count == len(first_ids)


@pytest.mark.parametrize("stride", [1, 2, 4096, 1 << 32, 1 << 48])
def test_regular_ids(stride):
    ids = (np.arange(50_000, dtype=np.uint64) % np.uint64(30_000)) * np.uint64(stride)
    numbers, first = Numbering().add(ids)
    expected, originals = by_dictionary(ids.tolist())
    assert numbers.tolist() == expected
    assert ids[first].tolist() == originals
