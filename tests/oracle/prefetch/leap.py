from collections import Counter
from dataclasses import dataclass, field

DEFAULTS = {"window": 32, "splits": 4, "most": 8}


@dataclass
class Process:
    last: int | None = None
    history: list = field(default_factory=list)
    hits: int = 0
    size: int = 0
    trend: int | None = None


class Twin:
    def __init__(self, run, window, splits, most):
        self.run, self.window, self.splits, self.most = run, window, splits, most
        self.processes = {}

    def on_access(self, req):
        one = self.processes.setdefault(req.stream, Process())
        if req.hit and not req.used:
            return []
        last, one.last = one.last, req.key
        if last is None:
            return []
        one.history.append(req.key - last)
        if req.used:
            one.hits += 1
            return []
        trend = self.find_trend(one.history[-self.window :])
        one.size = self.next_size(one, trend is not None and req.key - last == trend)
        one.hits = 0
        if trend is not None:
            one.trend = trend
            steps = list(range(1, one.size + 1))
        else:
            steps = [1, -1, 2, -2, 3, -3, 4, -4, 5, -5, 6, -6, 7, -7, 8, -8][: one.size]
        if not one.trend:
            return []
        return [key for key in (req.key + step * one.trend for step in steps) if 0 <= key < self.run.objects]

    def find_trend(self, history):
        span = max(1, self.window // self.splits)
        while span <= min(self.window, len(history)):
            value, count = Counter(history[-span:]).most_common(1)[0]
            if count >= span // 2 + 1:
                return value
            span *= 2
        return None

    def next_size(self, one, follows):
        if one.hits == 0:
            size = int(follows)
        else:
            size = min(power for power in (2**i for i in range(40)) if power >= one.hits + 1)
        return max(min(size, self.most), one.size // 2)
