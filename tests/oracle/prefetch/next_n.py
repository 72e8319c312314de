DEFAULTS = {"n": 1, "when": "tagged"}


class Twin:
    def __init__(self, run, n, when):
        self.run, self.n, self.when = run, n, when

    def on_access(self, req):
        moments = {"miss": not req.hit, "tagged": not req.hit or req.used, "always": True}
        following = [req.key + i for i in range(1, self.n + 1)]
        return [key for key in following if key < self.run.objects] if moments[self.when] else []
