DEFAULTS = {"lookahead": 32}


class Twin:
    def __init__(self, run, lookahead):
        self.run, self.lookahead = run, lookahead

    def on_access(self, req):
        to_come = self.run.trace[req.now + 1 :]
        mine = [key for key, stream in to_come if self.run.open_loop or stream == req.stream]
        return mine[: self.lookahead]
