DEFAULTS = {"ahead": 1, "degree": 8, "per_layer": 0}


class Twin:
    def __init__(self, run, ahead, degree, per_layer):
        self.ahead, self.degree = ahead, degree
        self.layer = [key // per_layer for key in range(run.objects)] if per_layer else run.layers
        self.order = sorted({layer for layer in self.layer if layer is not None})
        self.place = {}  # stream -> (its layer, how many of the layer ahead were named)

    def on_access(self, req):
        here = self.layer[req.key]
        if here is None:
            return []
        layer, named = self.place.get(req.stream, (None, 0))
        if layer != here:
            named = 0
        ahead = self.order[(self.order.index(here) + self.ahead) % len(self.order)]
        if ahead == here:
            self.place[req.stream] = (here, named)
            return []
        members = [key for key, layer in enumerate(self.layer) if layer == ahead]
        count = min(self.degree, len(members))
        self.place[req.stream] = (here, named + count)
        return [members[(named + i) % len(members)] for i in range(count)]
