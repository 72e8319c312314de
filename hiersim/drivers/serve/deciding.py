"""A step as a scheduler in Python sees it, and how its decisions reach the run (docs/extend/scheduler.md)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

from hiersim.drivers.serve import acts
from hiersim.drivers.serve import columns as c
from hiersim.engine import columns as e
from hiersim.errors import ConfigError

if TYPE_CHECKING:
    from hiersim.drivers.serve.run import Server

Scheduler = Callable[["Step"], None]
"""Decides what a step computes: called once for each step of a unit, before it begins."""


class Request(NamedTuple):
    """What a scheduler may know of a request."""

    number: int
    """Its place in the trace."""
    prompt_tokens: int
    given_tokens: int
    """Tokens of its answer that there are."""
    expected_tokens: int
    """Tokens of its answer that are expected; the truth is not known to a scheduler."""
    missing_tokens: int
    """Tokens so far whose keys and values are to be computed."""
    arrived_ps: int
    session: int
    """Its conversation; -1 for none."""
    preemptions: int


class Step:
    """A step that is formed: who runs and waits, and what can be done about it. Times are picoseconds.

    Args:
        server: the run.
        engine: whose step it is.
    """

    def __init__(self, server: Server, engine: int) -> None:
        self._server = server
        self._engine = engine
        self._row = server.state.engines[engine]
        self._queries = server.state.queries
        self._block = int(server.state.settings[c.C_BLOCK])
        self._given: set[int] = set()

    @property
    def now(self) -> int:
        """The time in picoseconds."""
        return self._server.core.now

    @property
    def unit(self) -> str:
        """The unit that computes the step."""
        return self._server.setup.units[self._engine]

    @property
    def budget(self) -> int:
        """Tokens that the step can still take."""
        return self._of(c.E_BUDGET)

    @property
    def sequences(self) -> int:
        """Requests that may still begin to run, by ``max_sequences``."""
        return self._server.setup.rules.max_sequences - self._of(c.E_RUNNING)

    @property
    def running(self) -> list[int]:
        """The requests that run, in the order of their admission."""
        found: list[int] = self._server.state.running[self._engine, : self._of(c.E_RUNNING)].tolist()
        return found

    @property
    def waiting(self) -> list[int]:
        """The requests that wait, in the order of the queue."""
        return [request for _, request in sorted(self._queue.tolist())]

    @property
    def first(self) -> int | None:
        """The request that waits first; None where none waits."""
        return int(self._queue[0, 1]) if len(self._queue) else None

    @property
    def _queue(self) -> Any:
        return self._server.state.queue[self._engine, : self._of(c.E_QUEUE)]

    @property
    def preempted(self) -> bool:
        """Whether a request was preempted in this step."""
        return bool(self._of(c.E_PREEMPTED))

    @property
    def leaving(self) -> bool:
        """Whether bytes are on their way out of the near tier, so that there will be more room."""
        tier = self._of(c.E_TIER)
        return bool(self._server.core.world.tiers[tier, e.T_LEAVING] > 0)

    def request(self, number: int) -> Request:
        """Return what may be known of a request."""
        missing = self.missing(number)
        row = self._queries[number].tolist()
        return Request(
            number=number,
            prompt_tokens=row[c.Q_PROMPT],
            given_tokens=row[c.Q_GENERATED],
            expected_tokens=row[c.Q_GUESS],
            missing_tokens=missing,
            arrived_ps=row[c.Q_ARRIVE],
            session=row[c.Q_USER] - 1,
            preemptions=row[c.Q_PREEMPTIONS],
        )

    def missing(self, number: int) -> int:
        """Return the tokens of a request that are to be computed."""
        if not 0 <= number < len(self._queries):
            _refuse(f"requests are numbered 0 to {len(self._queries) - 1}, got {number}")
        row = self._queries[number]
        return int(row[c.Q_PROMPT] + row[c.Q_GENERATED] - row[c.Q_AT] - row[c.Q_SKIP] * self._block)

    def give(self, number: int, tokens: int) -> bool:
        """Let the step compute tokens of a running request; False where there is no room for them.

        Raises:
            ConfigError: it does not run, has its tokens in this step already, or they are none or too many.
        """
        if number in self._given or not self._runs(number):
            _refuse(f"request {number} {'is in this step already' if number in self._given else 'does not run'}")
        most = min(self.missing(number), self.budget)
        if not 1 <= tokens <= most:
            _refuse(f"request {number} can be given 1 to {most} tokens, got {tokens}")
        return self._did(number, self._act(acts.GIVE, number, tokens)) == acts.YES

    def preempt(self, number: int) -> None:
        """Take everything from a running request; it waits, before all others.

        Raises:
            ConfigError: it does not run, or has tokens in this step.
        """
        if number in self._given:
            _refuse(f"request {number} is in this step, and cannot be preempted before the next")
        if self._act(acts.PREEMPT, number) == acts.NO:
            _refuse(f"request {number} does not run")

    def admit(self, number: int) -> bool:
        """Take in a request that waits, with as many tokens as are missing, at most the budget.

        It may have to wait for its blocks, or for its cache to come back, and comes up again later.

        Returns:
            False where there is no room; it stays where it was in the queue.

        Raises:
            ConfigError: it does not wait, or the step is full.
        """
        if not (self._queue[:, 1] == number).any():
            _refuse(f"request {number} does not wait")
        if self.budget < 1 or self.sequences < 1:
            _refuse(f"request {number} cannot be admitted: the step is full")
        return self._did(number, self._act(acts.ADMIT, number)) != acts.NO

    def unburden(self, number: int) -> bool:
        """Take the room of all that wait but one request; say whether some had any."""
        return self._act(acts.UNBURDEN, number) == acts.YES

    def _did(self, number: int, answer: int) -> int:
        if answer == acts.YES:
            self._given.add(number)
        return answer

    def _act(self, what: int, number: int = -1, count: int = 0) -> int:
        self._server.grow_if_needed()
        return int(acts.act(self._server.core.handle, self._server.handle, what, self._engine, number, count))

    def _of(self, column: int) -> int:
        return int(self._row[column])

    def _runs(self, number: int) -> bool:
        row = self._queries[number] if 0 <= number < len(self._queries) else None
        return row is not None and row[c.Q_STATE] == c.RUNNING and row[c.Q_ENGINE] == self._engine

    def begin(self) -> None:
        """Begin to form the step; for the run, not for schedulers."""
        self._act(acts.BEGIN)

    def end(self) -> bool:
        """Let the step begin; say whether another one is to be formed at once. For the run, not for schedulers."""
        return self._act(acts.END) == acts.YES


def _refuse(what: str) -> NoReturn:
    raise ConfigError(f"serve.scheduler: {what}")


def decide(server: Server, scheduler: Scheduler) -> None:
    """Form the steps of all units that have none, as ``loop.form`` does, by a scheduler's decisions."""
    again = False
    for engine in range(len(server.setup.units)):
        if server.state.engines[engine, c.E_BUSY] == 1:
            continue
        step = Step(server, engine)
        step.begin()
        scheduler(step)
        again |= step.end()
    server.state.clock[c.K_WAKE] = c.FORMED + again
