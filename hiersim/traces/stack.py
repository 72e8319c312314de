"""LRU stack distances of a stream of keys: how many distinct keys lie between two uses, both ends counted as one.

A key at distance d is the d-th most recently used when it is asked for again, so every LRU cache of d keys or more has
it, and no smaller one has (Mattson, Gecsei, Slutz and Traiger, "Evaluation techniques for storage hierarchies", IBM
Systems Journal 9(2), 1970). One pass gives the misses of all capacities.

Time is a row of places, one per access; a bit marks the latest access of each key (Bennett and Kruskal, "LRU stack
processing", IBM Journal of Research and Development 19(4), 1975). The distance is the number of bits from the key's
place on. Three levels of running sums (a word of 64 places in its block of 16 words, a block in its group of 64, the
groups) say how many bits lie before a word without a walk; clearing a bit takes one from the sums behind it, which are
next to each other. When the places run out, the bits are moved together, so that memory is bound by the number of keys
and not by that of accesses: 4 bytes a key, and half a byte more for the bits and their sums.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hiersim import jit

ROOM = 4  # places for each key when the bits are moved together
UNIT = 1 << 16  # places in a group of blocks
AHEAD = 64  # accesses whose keys are looked up together, so that their memory comes at once
ONE = np.uint64(1)
WORD, BLOCK, GROUP = np.uint64(6), np.uint64(4), np.uint64(6)  # log2 of places a word, words a block, blocks a group
IN_WORD, IN_BLOCK, IN_GROUP = np.uint64(63), np.uint64(15), np.uint64(63)
PLACE, LIVE = range(2)  # what `counts` holds; its third cell is never read


class Places(NamedTuple):
    """The places of a stack, and which of them hold a key's latest access."""

    last: NDArray[np.int32]  # [keys]: place of the key's latest access; -1 before the first
    words: NDArray[np.uint64]  # [places / 64]: a bit per place
    in_block: NDArray[np.int16]  # [words]: bits before the word in its block
    in_group: NDArray[np.int32]  # [blocks]: bits before the block in its group
    before: NDArray[np.int32]  # [groups]: bits before the group
    counts: NDArray[np.int64]  # [3]: next free place, keys seen


class LruStack:
    """The LRU stack of a stream that is fed piece by piece; the pieces give what the whole would."""

    def __init__(self, keys: int = 0) -> None:
        """Start with nothing seen; ``keys`` of them are expected, and more are made room for as they come."""
        self._places = _places(np.full(keys, -1, np.int32), 0)

    @property
    def live(self) -> int:
        """How many different keys were seen."""
        return int(self._places.counts[LIVE])

    @property
    def nbytes(self) -> int:
        """How many bytes of memory the stack takes."""
        return sum(array.nbytes for array in self._places)

    def feed(self, keys: NDArray[np.int32], out: NDArray[np.int32] | None = None) -> NDArray[np.int32]:
        """Return the distance of each access, 1 for the key used just before, and 0 for a key's first.

        Args:
            keys: int32 [accesses], dense numbers.
            out: int32 [accesses], where to write; new memory when absent.
        """
        keys = np.ascontiguousarray(keys, np.int32)
        out = np.empty(len(keys), np.int32) if out is None else out
        if int(keys.max(initial=-1)) >= len(self._places.last):
            self._grow(int(keys.max()) + 1)
        done = _distances(keys, 0, self._places, out)
        while done < len(keys):
            _renumber(self._places)
            self._places = _places(self._places.last, self.live)
            done = _distances(keys, done, self._places, out)
        return out

    def _grow(self, keys: int) -> None:
        last = self._places.last
        more = np.full(max(keys, 2 * len(last)) - len(last), -1, np.int32)
        self._places = self._places._replace(last=np.concatenate([last, more]))


def _places(last: NDArray[np.int32], live: int) -> Places:
    """Return places whose first ``live`` ones hold a key's latest access, as ``last`` says."""
    width = -(-max(ROOM * live, UNIT) // UNIT) * UNIT
    words = np.zeros(width >> 6, np.uint64)
    words[: live >> 6] = ~np.uint64(0)
    words[live >> 6] |= np.uint64((1 << (live & 63)) - 1)
    return Places(
        last,
        words,
        ((np.arange(len(words)) % 16) * 64).astype(np.int16),
        ((np.arange(len(words) // 16) % 64) * 1024).astype(np.int32),
        (np.arange(width // UNIT) * UNIT).astype(np.int32),
        np.array([live, live, 0], np.int64),
    )


if jit.DISABLED:

    def ones(word: Any) -> Any:
        """Return how many bits of a word are set."""
        return int(word).bit_count()

else:

    @jit.hot
    def ones(word: Any) -> Any:
        """Return how many bits of a word are set, in the form that compilers know for one instruction."""
        word = word - ((word >> np.uint64(1)) & np.uint64(0x5555555555555555))
        word = (word & np.uint64(0x3333333333333333)) + ((word >> np.uint64(2)) & np.uint64(0x3333333333333333))
        word = (word + (word >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
        return np.int64((word * np.uint64(0x0101010101010101)) >> np.uint64(56))


@jit.hot
def _rank(places: Any, place: Any) -> Any:
    """Return how many bits lie before a place."""
    word = place >> WORD
    below = ones(places.words[word] & ((ONE << (place & IN_WORD)) - ONE))
    block = word >> BLOCK
    return below + places.in_block[word] + places.in_group[block] + places.before[block >> GROUP]


@jit.hot
def _begin(places: Any, place: Any, live: Any) -> None:
    """Write the sums of the word that begins at a place, behind which there is nothing yet."""
    word = place >> WORD
    block = word >> BLOCK
    group = block >> GROUP
    if word & IN_BLOCK == 0:
        if block & IN_GROUP == 0:
            places.before[group] = live
        places.in_group[block] = live - places.before[group]
    places.in_block[word] = live - places.before[group] - places.in_group[block]


@jit.hot
def _clear(places: Any, place: Any, end: Any) -> None:
    """Clear the bit of a place, ``end`` being the next free one."""
    word = place >> WORD
    places.words[word] ^= ONE << (place & IN_WORD)
    block = word >> BLOCK
    first, at = block << BLOCK, np.int64(word & IN_BLOCK)
    for i in range(16):
        places.in_block[first + np.uint64(i)] -= np.int16(i > at)
    group = block >> GROUP
    first, at = group << GROUP, np.int64(block & IN_GROUP)
    for i in range(64):
        places.in_group[first + np.uint64(i)] -= np.int32(i > at)
    for behind in range(group + ONE, (end >> np.uint64(16)) + ONE):
        places.before[behind] -= np.int32(1)


@jit.kernel
def _distances(keys: Any, start: Any, places: Any, out: Any) -> Any:
    """Fill ``out`` from access ``start`` on, until its end or until the places run out; return where it stopped."""
    place, live, looked = np.uint64(places.counts[PLACE]), places.counts[LIVE], np.int64(0)
    last, words = places.last, places.words
    width, i, upto = np.uint64(words.shape[0]) << WORD, start, start
    while i < keys.shape[0] and place < width:
        if i == upto:
            upto = min(keys.shape[0], i + AHEAD)
            for j in range(i, upto):
                looked += last[keys[j]]
        if place & IN_WORD == 0:
            _begin(places, place, live)
        key = keys[i]
        before = last[key]
        if before >= 0:
            there = np.uint64(before)
            out[i] = live - _rank(places, there)
            _clear(places, there, place)
        else:
            live += 1
            out[i] = 0
        words[place >> WORD] |= ONE << (place & IN_WORD)
        last[key] = place
        place += ONE
        i += 1
    places.counts[PLACE], places.counts[LIVE], places.counts[2] = place, live, looked
    return i


@jit.kernel
def _renumber(places: Any) -> None:
    """Give each key the number of bits before its place as its new place."""
    last = places.last
    for key in range(last.shape[0]):
        if last[key] >= 0:
            last[key] = _rank(places, np.uint64(last[key]))
