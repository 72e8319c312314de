from oracle.policies.sets import Dice, all_out_of, take


class Twin:
    def __init__(self, capacity, uniform=True, seed=0):
        self.marked, self.keep, self.discard = [], [], []
        self.away = {}
        self.dice = Dice(seed)

    def miss(self, key):
        pass

    def insert(self, key, size, next_use):
        self.away[key] = next_use is None
        self.marked.append(key)

    def hit(self, key, next_use):
        self.away[key] = next_use is None
        if key not in self.marked:
            self.remove(key)
            self.marked.append(key)

    def remove(self, key):
        take(next(each for each in (self.marked, self.keep, self.discard) if key in each), key)

    def victim(self, key, size):
        if not self.keep + self.discard:
            for each in all_out_of(self.marked):
                (self.discard if self.away[each] else self.keep).append(each)
        return self.dice.pick(self.discard or self.keep)
