class Twin:
    """Keys in order of use, each with its bit."""

    def __init__(self, capacity, uniform=True):
        self.discard = {}

    def miss(self, key):
        pass

    def insert(self, key, size, next_use):
        self.discard.pop(key, None)
        self.discard[key] = next_use is None

    def hit(self, key, next_use):
        self.insert(key, None, next_use)

    def remove(self, key):
        del self.discard[key]

    def victim(self, key, size):
        if not any(self.discard.values()):
            self.discard = dict.fromkeys(self.discard, True)
        return next(each for each in self.discard if self.discard[each])
