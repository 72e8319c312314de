"""The comparison of core and twin notices when a line of either is broken."""

from __future__ import annotations

import pytest
from core.mutating import run_broken
from core.mutations import CORE, TWIN, first_shown


@pytest.mark.parametrize("what", TWIN)
def test_a_broken_line_of_the_twin_shows(what):
    assert first_shown(*TWIN[what]) is not None


@pytest.mark.parametrize("half", [0, 1])
def test_a_broken_line_of_the_core_shows(half):
    shown = run_broken("core.mutations", list(CORE)[half::2])
    assert [what for what, seed in shown.items() if seed is None] == []
    assert len(shown) == len(list(CORE)[half::2])
