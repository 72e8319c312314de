from oracle.policies.sets import Dice, all_out_of, take


class Twin:
    def __init__(self, capacity, uniform=True, seed=0):
        self.marked, self.unmarked = [], []
        self.said, self.told, self.clock = {}, {}, 0
        self.chain_of, self.length = {}, []
        self.chain = None
        self.dice = Dice(seed)

    def miss(self, key):
        self.chain = None

    def insert(self, key, size, next_use):
        self.said[key] = float("inf") if next_use is None else next_use
        self.marked.append(key)

    def hit(self, key, next_use):
        self.remove(key)
        self.insert(key, None, next_use)

    def remove(self, key):
        take(self.marked if key in self.marked else self.unmarked, key)

    def victim(self, key, size):
        if not self.unmarked:
            self.unmarked = all_out_of(self.marked)
            self.trusted = sum(1 / i for i in range(1, len(self.unmarked) + 1))
            self.told = {each: i for i, each in enumerate(self.unmarked)}
            self.chain_of, self.length, self.chain = {}, [], None
        if self.chain is None:
            if key in self.chain_of:
                self.chain = self.chain_of[key]
                self.length[self.chain] += 1
            else:
                self.chain = len(self.length)
                self.length.append(1)
        if self.length[self.chain] <= self.trusted:
            gone = max(self.unmarked, key=lambda each: (self.said[each], self.told[each]))
        else:
            gone = self.dice.pick(self.unmarked)
        self.chain_of[gone] = self.chain
        return gone
