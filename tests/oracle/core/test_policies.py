"""The naive policies make the choices of the package's, under any calls that a timed run can make."""

from __future__ import annotations

from random import Random

import pytest
from oracle.core.policies import POLICIES
from oracle.core.stores import Req
from policies.called import from_python

from hiersim import policies
from hiersim.policies.contract import NEVER, Request, Setup

OBJECTS, CAPACITY = 12, 60


@pytest.mark.parametrize("name", POLICIES)
def test_choices_are_those_of_the_package(name):
    for seed in range(60):
        Pair(name, Random(seed)).play(150)


class Pair:
    """A naive policy and the package's, told the same."""

    def __init__(self, name: str, random: Random) -> None:
        theirs = policies.find(name)
        self.hooks = {hook: from_python(function) for hook, function in theirs.hooks.items()}
        self.random = random
        self.sizes = [random.choice((1, 5, 10, 20)) for _ in range(OBJECTS)]
        self.naive = POLICIES[name](CAPACITY)
        self.state = theirs.init(Setup(CAPACITY, OBJECTS, 1000, False))
        self.here: set[int] = set()

    def play(self, steps: int) -> None:
        for _ in range(steps):
            getattr(self, self.random.choice(("ask", "ask", "ask", "leave", "pass_over", "insert")))()
            assert len(self.naive) == len(self.here)

    def ask(self) -> None:
        key = self.random.randrange(OBJECTS)
        if key in self.here:
            self.tell("on_hit", key)
            return
        self.tell("on_miss", key)
        if self.random.random() < 0.8:
            self.insert(key)

    def insert(self, key: int | None = None) -> None:
        key = self.random.randrange(OBJECTS) if key is None else key
        if key in self.here:
            return
        while sum(self.sizes[other] for other in self.here) + self.sizes[key] > CAPACITY:
            self.remove(self.choose(key))
        self.tell("on_insert", key)
        self.here.add(key)

    def leave(self) -> None:
        if self.here:
            self.remove(self.random.choice(sorted(self.here)))

    def pass_over(self) -> None:
        """What was chosen cannot leave: it is taken out and put back."""
        if self.here:
            key = self.choose(self.random.randrange(OBJECTS))
            self.remove(key)
            self.tell("on_insert", key)
            self.here.add(key)

    def choose(self, key: int) -> int:
        chosen = self.naive.victim(Req(key, self.sizes[key], 0))
        assert chosen == self.hooks["victim"](self.state, self.request(key))
        assert chosen in self.here
        return chosen

    def remove(self, key: int) -> None:
        self.naive.on_remove(key)
        self.hooks["on_remove"](self.state, key)
        self.here.remove(key)

    def tell(self, hook: str, key: int) -> None:
        getattr(self.naive, hook)(key, Req(key, self.sizes[key], 0))
        if hook in self.hooks:
            self.hooks[hook](self.state, key, self.request(key))

    def request(self, key: int) -> Request:
        return Request(key, self.sizes[key], 0, NEVER)
