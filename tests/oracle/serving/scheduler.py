"""The step loop of continuous batching with paged KV, as docs/serving.md describes it, in plain Python.

Time is a number in any unit; ``cost(batch)`` returns the time of a step. A batch is a list of (new tokens, tokens
before them, whether a token is sampled), in the order in which the requests were scheduled.
"""

from dataclasses import dataclass, field

from oracle.serving.blocks import Pool


@dataclass
class Settings:
    """What a server is started with; ``blocks`` are those that requests can use."""

    blocks: int
    block_tokens: int = 16
    most_tokens: int = 2048
    most_sequences: int = 256
    watermark: float = 0.0
    whole_prompt: bool = True
    prefix_cache: bool = True
    longest: int = 1 << 60


@dataclass
class Request:
    """One request: when it comes, its tokens in and out, and the keys of its prompt's full blocks where known."""

    arrival: float
    prompt: int
    output: int
    keys: list = field(default_factory=list)
    name: int = 0
    computed: int = 0
    generated: int = 0
    blocks: list = field(default_factory=list)
    first: float | None = None
    last: float | None = None
    rejected: bool = False
    preemptions: int = 0
    reused: int = 0
    processed: int = 0

    @property
    def tokens(self):
        """Tokens known so far: those whose keys and values are or can be computed."""
        return self.prompt + self.generated

    def key(self, index):
        """What stands for block ``index`` and all before it; a request's own tokens are its own."""
        return self.keys[index] if index < len(self.keys) else (self.name, index)


class Server:
    """Waiting and running requests over a pool of blocks."""

    def __init__(self, requests, settings):
        self.settings = settings
        self.pool = Pool(settings.blocks)
        self.coming = sorted(requests, key=lambda request: request.arrival)
        self.waiting, self.running = [], []
        self.now = 0.0
        self.steps = []
        for index, request in enumerate(self.coming):
            request.name = index

    def run(self, cost):
        """Serve everything; returns the requests in the order of arrival."""
        everything = list(self.coming)
        while self.coming or self.waiting or self.running:
            if not self.waiting and not self.running:
                self.now = max(self.now, self.coming[0].arrival)
            while self.coming and self.coming[0].arrival <= self.now:
                self.arrive(self.coming.pop(0))
            scheduled = self.schedule()
            if scheduled:
                self.step(scheduled, cost)
        return everything

    def arrive(self, request):
        """Queue a request, or reject what could never be served."""
        most = self.settings.blocks * self.settings.block_tokens
        if request.prompt + request.output > self.settings.longest or request.prompt + request.output - 1 > most:
            request.rejected = True
        else:
            self.waiting.append(request)

    def schedule(self):
        """Decide who computes how many tokens in the next step: first those that run, then those that wait."""
        budget, scheduled, preempted, index = self.settings.most_tokens, [], False, 0
        while index < len(self.running) and budget > 0:
            request = self.running[index]
            count = min(request.tokens - request.computed, budget)
            while not self.extend(request, count):
                victim = self.running.pop()
                self.preempt(victim)
                preempted = True
                if victim is request:
                    return scheduled
            scheduled.append((request, count))
            budget -= count
            index += 1
        while self.waiting and not preempted and budget > 0 and len(self.running) < self.settings.most_sequences:
            count = self.admit(self.waiting[0], budget)
            if not count:
                break
            request = self.waiting.pop(0)
            self.running.append(request)
            scheduled.append((request, count))
            budget -= count
        return scheduled

    def extend(self, request, count):
        """Take the blocks that ``count`` more tokens need, and name those that they fill; false if there are none."""
        need = self.needed(request.computed + count) - len(request.blocks)
        if need > self.pool.free():
            return False
        request.blocks += self.pool.take(max(need, 0))
        if self.settings.prefix_cache:
            size = self.settings.block_tokens
            for index in range(request.computed // size, (request.computed + count) // size):
                self.pool.name(request.blocks[index], request.key(index))
        return True

    def admit(self, request, budget):
        """Give a waiting request what is remembered of it and blocks for its first chunk; returns the chunk or 0."""
        size = self.settings.block_tokens
        most = (request.tokens - 1) // size  # at least one token is computed, to sample from
        found = self.pool.find([request.key(index) for index in range(most)]) if self.settings.prefix_cache else []
        count = min(request.tokens - len(found) * size, budget)
        whole = request.tokens if self.settings.whole_prompt else len(found) * size + count
        reserve = int(self.settings.watermark * self.settings.blocks) if self.running else 0
        if self.needed(whole) - len(found) + self.pool.idle(found) + reserve > self.pool.free():
            return 0
        self.pool.share(found)
        request.blocks, request.computed = found, len(found) * size
        request.reused += request.computed
        if not self.extend(request, count):
            raise AssertionError("the whole prompt had room, its first chunk has none")
        return count

    def preempt(self, victim):
        """Take everything from a running request, and let it wait before all others."""
        self.pool.give_back(victim.blocks)
        victim.blocks, victim.computed = [], 0
        victim.preemptions += 1
        self.waiting.insert(0, victim)

    def step(self, scheduled, cost):
        """Let a step pass: tokens are computed, and whoever has caught up gets one more."""
        batch = [(count, request.computed, request.computed + count == request.tokens) for request, count in scheduled]
        self.now += cost(batch)
        self.steps.append(batch)
        for request, count in scheduled:
            request.computed += count
            request.processed += count
            if request.computed < request.tokens:
                continue
            request.generated += 1
            if request.first is None:
                request.first = self.now
            if request.generated == request.output:
                request.last = self.now
                self.running.remove(request)
                self.pool.give_back(request.blocks)
                request.blocks = []

    def needed(self, tokens):
        """Blocks that hold so many tokens."""
        return -(-tokens // self.settings.block_tokens)
