"""What docs/validation.md sums up is what the pages and tests that it sums up say."""

import re
from pathlib import Path

from policies.test_golden import FILES, NAMES, WITHIN, agrees

from hiersim.models import find_model, model_names

DOCS = Path(__file__).parent.parent / "docs"
PAGE = (DOCS / "validation.md").read_text()


def curves():
    """Each device curve's row: its points, and the mean errors of those fitted, held out and free."""
    row = r"^\| \[(.+?)\]\(#.*?\) \| (\d+) \| .*? \| (.*?) \| (.*?) \| (.*?) \|"
    rows = re.findall(row, (DOCS / "devices.md").read_text(), re.MULTILINE)
    return [(name, int(points), *(mean(cell) for cell in cells)) for name, points, *cells in rows]


def mean(cell):
    found = re.match(r"[\d.]+(?=%)", cell)
    return float(found[0]) if found else None


def test_the_device_curves_are_summed_up():
    rows = curves()
    assert f"{len(rows)} curves with {sum(row[1] for row in rows)} points" in PAGE
    held, free = ([row[column] for row in rows if row[column] is not None] for column in (3, 4))
    text = " ".join(PAGE.split())
    assert f"where a curve has some: {min(held)}% to {max(held)}%" in text
    assert f"to which nothing was fitted: {min(free)}% to {max(free)}%" in text


def test_the_counts_of_the_other_tool_are_summed_up():
    sizes = {name: sum(5 if "mooncake" in file else 3 for file in FILES if agrees(file, name)) for name in NAMES}
    drawn = {name: count for name, count in sizes.items() if name in WITHIN}
    exact = {name: count for name, count in sizes.items() if name not in WITHIN}
    assert f"{len(exact)} replacement policies on two production traces, {sum(exact.values())} counts" in PAGE
    assert f"{len(drawn)} policies that draw random numbers, {sum(drawn.values())} counts" in PAGE
    assert f"at most {min(WITHIN.values()):.1%} to {max(WITHIN.values()):.1%}" in PAGE


def test_the_published_figures_of_models_are_summed_up():
    within = [figure.within for name in model_names() for _, figure in find_model(name).published]
    assert sum(share == 0 for share in within) > len(within) / 2
    assert f"at most {max(within):.0%}, each with the reason" in PAGE


def test_every_test_that_is_named_is_there():
    named = re.findall(r"`(tests/[\w/.]+)`", PAGE)
    assert len(named) > 20
    assert [name for name in named if not (DOCS.parent / name).exists()] == []
