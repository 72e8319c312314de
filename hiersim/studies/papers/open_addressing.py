"""Open addressing without reordering: probes and cache lines of four tables as they fill."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from hiersim import jit
from hiersim.policies import dice
from hiersim.studies.claim import Finding, Study, figure, seen

SLOTS = 1 << 16
LINE = 4
"""Entries of 16 bytes (hash of a block and its number) in a line of 64 bytes."""
EMPTY = (1 / 8, 1 / 16, 1 / 32, 1 / 64, 1 / 128)
"""Shares of slots that are still empty when the last keys come."""
LAST = 256
"""Keys at the end over which the worst expected insertion is measured."""


@jit.kernel
def fill(starts: np.ndarray, lengths: np.ndarray, used: np.ndarray, probes: np.ndarray, lines: np.ndarray) -> None:
    """Insert keys greedily, each into the first free slot of its runs of neighbouring slots, in their order.

    Args:
        starts: int64[keys, runs], where each run starts.
        lengths: int64[runs], its length in slots.
        used: uint8[slots], 1 where a slot is taken; slots behind the end are those at the beginning.
        probes: int32[keys], filled: slots looked at.
        lines: int32[keys], filled: cache lines touched.
    """
    for key in range(starts.shape[0]):
        done, seen, touched, before = False, 0, 0, -1
        for run in range(starts.shape[1]):
            for i in range(lengths[run]):
                slot = (starts[key, run] + i) % used.shape[0]
                seen += 1
                if slot // LINE != before:
                    touched += 1
                    before = slot // LINE
                if used[slot] == 0:
                    used[slot] = 1
                    done = True
                    break
            if done:
                break
        probes[key], lines[key] = seen, touched


def inserted(starts: np.ndarray, lengths: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the probes and the lines of each insertion into an empty table, int32[keys]."""
    probes, lines = np.zeros((2, len(starts)), np.int32)
    fill(np.ascontiguousarray(starts), lengths, np.zeros(SLOTS, np.uint8), probes, lines)
    return probes, lines


@jit.kernel
def fill_evenly(random: np.ndarray, used: np.ndarray, probes: np.ndarray) -> None:
    """Insert keys into the first free one of independently drawn slots; ``probes``, int32[keys], is filled."""
    for key in range(probes.shape[0]):
        seen, slot = 1, dice.below(random, used.shape[0])
        while used[slot]:
            seen, slot = seen + 1, dice.below(random, used.shape[0])
        used[slot] = 1
        probes[key] = seen


def uniform(keys: int, seed: int) -> np.ndarray:
    """Return the probes, each a cache line of its own, where a key tries independent slots, int32[keys]."""
    probes = np.zeros(keys, np.int32)
    fill_evenly(dice.start(seed), np.zeros(SLOTS, np.uint8), probes)
    return probes


def linear(keys: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return where a key looks that tries neighbour after neighbour."""
    return rng.integers(0, SLOTS, (keys, 1)), np.array([SLOTS])


def funnel(keys: int, rng: np.random.Generator, empty: float) -> tuple[np.ndarray, np.ndarray]:
    """Return where a key looks in a funnel: one bucket in each of shrinking levels, and then what is left.

    As in section 3 of the paper: 4 log2(1 / empty) + 10 levels, each three quarters of the one before, buckets of
    2 log2(1 / empty) slots; the slots that remain take what no level did, first by trying log2(log2 n) of them at
    random, then the emptier of two buckets, of which both are looked through here.
    """
    log = np.log2(1 / empty)
    levels, bucket = int(np.ceil(4 * log + 10)), int(np.ceil(2 * log))
    rest = int(np.ceil(empty * SLOTS / 2))
    first = (SLOTS - rest) / 4 / (1 - 0.75**levels)
    sizes = [int(first * 0.75**i / bucket) for i in range(levels)]
    sizes = [size for size in sizes if size > 0]
    begins = np.concatenate([[0], np.cumsum(np.array(sizes) * bucket)])
    columns = [begin + bucket * rng.integers(0, size, keys) for begin, size in zip(begins[:-1], sizes, strict=True)]
    over, tries = int(begins[-1]), int(np.ceil(np.log2(np.log2(SLOTS))))
    columns += [over + rng.integers(0, SLOTS - over, keys) for _ in range(tries)]
    columns += [over + rng.integers(0, SLOTS - over - 2 * tries, keys) for _ in range(2)]
    columns.append(np.full(keys, over))
    lengths = [bucket] * len(sizes) + [1] * tries + [2 * tries] * 2 + [SLOTS - over]
    return np.stack(columns, axis=1), np.array(lengths, np.int64)


def measured(empty: float) -> dict[str, tuple[float, float, float]]:
    """Return by table the probes of the last keys, the probes of all, and the lines of all, in the mean."""
    keys, found = round((1 - empty) * SLOTS), {}
    rng = np.random.default_rng([round(1 / empty), 3])
    tables = {"linear": linear(keys, rng), "funnel": funnel(keys, rng, empty)}
    counts = {name: inserted(*each) for name, each in tables.items()}
    counts["uniform"] = (uniform(keys, round(1 / empty)),) * 2
    for name, (probes, lines) in counts.items():
        found[name] = (float(probes[-LAST:].mean()), float(probes.mean()), float(lines.mean()))
    return found


def run() -> Sequence[Finding]:
    """Fill tables to several loads and compare with closed forms, and with each other."""
    by_empty = {empty: measured(empty) for empty in EMPTY}
    return [*_closed_forms(by_empty), _funnel(by_empty), _lines(by_empty)]


def _closed_forms(by_empty: dict[float, dict[str, tuple[float, float, float]]]) -> Iterator[Finding]:
    least, low = min(EMPTY), 1 / 8
    left = np.arange(least * SLOTS + 1, least * SLOTS + LAST + 1)
    yield figure(
        "uniform-last", float((SLOTS / left).mean()), by_empty[least]["uniform"][0], 0.15,
        f"Probes of the last {LAST} insertions with 1/{1 / least:g} of the slots empty in the end; 1 / share of "
        f"empty slots; {LAST} draws of a geometric number have an error of 6%.",
    )  # fmt: skip
    yield figure(
        "uniform-mean", float(np.log(1 / least) / (1 - least)), by_empty[least]["uniform"][1], 0.03,
        f"Probes of all insertions, which are those of searches, with 1/{1 / least:g} empty; ln(1 / empty) / load.",
    )  # fmt: skip
    yield figure(
        "linear-mean", (1 + 1 / low) / 2, by_empty[low]["linear"][1], 0.03,
        "Probes of linear probing over all keys with 1/8 empty, against (1 + 1 / empty) / 2 (Knuth).",
    )  # fmt: skip


def _funnel(by_empty: dict[float, dict[str, tuple[float, float, float]]]) -> Finding:
    logs = np.log(1 / np.array(EMPTY))
    powers = {
        name: float(np.polyfit(logs, np.log([by_empty[empty][name][0] for empty in EMPTY]), 1)[0])
        for name in ("uniform", "linear", "funnel")
    }
    squared = float(np.polyfit(logs, np.log(logs**2), 1)[0])
    told = ", ".join(f"{name} {power:.2f}" for name, power in powers.items())
    probes = "; ".join(
        f"1/{1 / empty:g}: {', '.join(f'{name} {each[0]:.3g}' for name, each in by_empty[empty].items())}"
        for empty in EMPTY
    )
    note = (
        f"Slope of the last {LAST} insertions' probes over 1 / empty, both as logarithms; log^2(1 / empty) itself has "
        f"{squared:.2f} here, 1 / empty has 1. Probes at each share of empty slots: {probes}. At these loads the "
        "funnel's constant is still larger than what it saves."
    )
    return seen(
        "funnel-grows-slower", "last keys cost O(log^2(1/empty))", told, powers["funnel"] < squared + 0.15, note
    )


def _lines(by_empty: dict[float, dict[str, tuple[float, float, float]]]) -> Finding:
    lines = {name: [by_empty[empty][name][2] for empty in EMPTY] for name in ("uniform", "linear", "funnel")}
    told = "; ".join(f"{name} {', '.join(f'{each:.2f}' for each in row)}" for name, row in lines.items())
    holds = lines["linear"][0] < lines["uniform"][0]
    note = (
        "Lines of 64 bytes touched by a search in a table of 16-byte entries, with "
        f"{', '.join(f'1/{1 / empty:g}' for empty in EMPTY)} of the slots empty: {told}. Neighbours "
        "share lines, so probes are not what memory sees."
    )
    return seen("lines-of-a-search", "probes are cache lines", "fewer where neighbours are tried", holds, note)


STUDY = Study(
    name="open-addressing",
    title="Optimal Bounds for Open Addressing Without Reordering",
    family="caching-theory",
    grade="B",
    source="Farach-Colton, Krapivin, Kuszmaul. FOCS 2024, arXiv 2501.02305",
    memory=(
        "An index of blocks is a hash table; each probe is a read, of a new cache line unless the neighbour is tried. "
        f"Tables of {SLOTS} slots that never move a key: independent slots, neighbours, and a funnel."
    ),
    not_ours="The proofs of bounds from above and below; a table of one size shows slopes, not asymptotics.",
    run=run,
)
