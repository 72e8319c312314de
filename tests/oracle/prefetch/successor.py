DEFAULTS = {"ways": 4}


class Twin:
    def __init__(self, run, ways):
        self.ways = ways
        self.after = {}  # object -> its successors, the last one first
        self.last = {}  # stream -> the miss before

    def on_access(self, req):
        if req.hit and not req.used:
            return []
        before = self.last.get(req.stream)
        self.last[req.stream] = req.key
        if before is not None and before != req.key:
            others = [key for key in self.after.get(before, []) if key != req.key]
            self.after[before] = [req.key, *others][: self.ways]
        return list(self.after.get(req.key, []))
