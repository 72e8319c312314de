"""A pool of KV blocks that are handed out, shared by key, and remembered until they are handed out again.

A block that holds a full block of tokens has a key, which stands for those tokens and all before them. A block that
nobody holds keeps its key and stands in line: the one that has stood longest is handed out first, and forgets its key.
"""

from collections import OrderedDict


class Pool:
    """Blocks 0 to ``count - 1``; at first all are free, in this order."""

    def __init__(self, count):
        self.line = OrderedDict.fromkeys(range(count))
        self.holders = [0] * count
        self.key = [None] * count
        self.at = {}

    def free(self):
        """How many blocks nobody holds."""
        return len(self.line)

    def find(self, keys):
        """The blocks of the longest run of leading keys that are known."""
        found = []
        for key in keys:
            if key not in self.at:
                break
            found.append(self.at[key])
        return found

    def idle(self, blocks):
        """How many of these blocks nobody holds: taking them takes room."""
        return sum(self.holders[block] == 0 for block in blocks)

    def share(self, blocks):
        """Hold blocks that were found."""
        for block in blocks:
            if self.holders[block] == 0:
                del self.line[block]
            self.holders[block] += 1

    def take(self, count):
        """Hold that many blocks from the head of the line."""
        taken = [self.line.popitem(last=False)[0] for _ in range(count)]
        for block in taken:
            if self.at.get(self.key[block]) == block:
                del self.at[self.key[block]]
            self.key[block] = None
            self.holders[block] = 1
        return taken

    def name(self, block, key):
        """Give a full block its key; a key that already stands for another block stays there."""
        self.key[block] = key
        self.at.setdefault(key, block)

    def give_back(self, blocks):
        """Let go of a request's blocks, the last one first, so that the beginning is remembered longest."""
        for block in reversed(blocks):
            self.holders[block] -= 1
            if self.holders[block] == 0:
                self.line[block] = None
