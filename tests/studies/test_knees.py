"""Knees of curves that are known in closed form."""

import numpy as np
import pytest

from hiersim.studies.knees import above_chord, by_other_rules, knee

SIZES = np.arange(1, 65)


def test_a_line_has_no_knee():
    line = SIZES / 64
    assert above_chord(line) == pytest.approx(0)
    assert by_other_rules(line, 8)["bend"] == pytest.approx(0)
    assert by_other_rules(line, 8)["half"] == 8


def test_two_lines_meet_in_the_knee():
    bent = np.minimum(SIZES / 20, 0.8 + (SIZES - 16) / 240)
    found = by_other_rules(bent, 8)
    assert (knee(bent, 8), found["figure"], found["log"], found["half"]) == (2, 2, 2, 2)
    end = 0.8 + 16 / 240
    assert found["bend"] == pytest.approx((0.8 - end / 2) / end)


def test_a_root_is_farthest_above_its_chord_at_a_quarter():
    root = np.sqrt(SIZES / 64)
    assert knee(root, 8) == 16 / 8
    assert by_other_rules(root, 8)["figure"] == 8 / 8  # the axis of the figure ends at 32
    assert by_other_rules(root, 8)["half"] == 1  # the second eight add 0.41 of what the first do
