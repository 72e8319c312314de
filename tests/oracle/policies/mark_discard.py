from oracle.policies.sets import Dice, all_out_of, take


class Twin:
    """A cache of kept keys inside the cache; ``out`` are those that are still here but given up."""

    def __init__(self, capacity, uniform=True, seed=0):
        self.capacity, self.uniform = capacity, uniform
        self.marked, self.unmarked, self.out = [], [], []
        self.sizes, self.by_chance = {}, set()
        self.dice = Dice(seed)
        self.paid = False

    def miss(self, key):
        self.paid = False

    def insert(self, key, size, next_use):
        self.sizes[key] = 1 if self.uniform else size
        self.enter(key, next_use)

    def hit(self, key, next_use):
        self.paid = False
        if key in self.out:
            self.out.remove(key)
            self.enter(key, next_use)
            return
        take(self.marked if key in self.marked else self.unmarked, key)
        self.settle(key, next_use)

    def remove(self, key):
        if key in self.out:
            self.out.remove(key)
        else:
            take(self.marked if key in self.marked else self.unmarked, key)

    def victim(self, key, size):
        if not self.out:
            self.give_up()
            self.paid = True
        return self.out[0]

    def enter(self, key, next_use):
        if key in self.by_chance and not self.paid and self.unmarked:
            self.give_up()
        while sum(self.sizes[each] for each in self.marked + self.unmarked) + self.sizes[key] > self.capacity:
            self.give_up()
        self.settle(key, next_use)

    def settle(self, key, next_use):
        (self.out if next_use is None else self.marked).append(key)

    def give_up(self):
        if not self.unmarked:
            self.unmarked = all_out_of(self.marked)
            self.by_chance = set()
        key = self.dice.pick(self.unmarked)
        take(self.unmarked, key)
        self.out.append(key)
        self.by_chance.add(key)
