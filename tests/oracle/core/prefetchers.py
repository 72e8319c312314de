"""Section 12: what prefetchers hear, what they name, and what becomes of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from oracle.core.stores import ARRIVING, RESIDENT, Store
from oracle.prefetch import Run, Seen, make

if TYPE_CHECKING:
    from oracle.core.accesses import Access
    from oracle.core.twin import Twin


class Prefetchers:
    """The prefetcher of each tier that has one, and the prefetches of all."""

    def __init__(self, twin: Twin) -> None:
        self.twin = twin
        self.of: dict[str, Any] = {}
        for store in twin.stores:
            if store.rules.prefetch is not None:
                choice = store.rules.prefetch
                self.of[store.name] = make(choice.name, self._run(), choice.params)
        twin.accesses.prefetchers = self

    def _run(self) -> Run:
        twin = self.twin
        dealt_by = twin.trace.stream if getattr(twin.trace, "group", None) is None else twin.trace.group
        count = len(twin.trace.object) if twin.replay.limit is None else min(twin.replay.limit, len(twin.trace.object))
        trace = [(int(twin.trace.object[i]), int(dealt_by[i]) % twin.replay.streams) for i in range(count)]
        return Run(len(twin.objects), trace, twin.replay.mode == "open", [None] * len(twin.objects))

    # The heard line

    def hear(self, access: Access) -> None:
        if access.near.name in self.of:
            self.twin.calendar.heard.append(self._told(access))

    def _told(self, access: Access) -> Callable[[], None]:
        """What happens when the prefetcher is told: each object that it names is a handler of its own."""
        store = access.near
        seen = Seen(access.object, access.index, access.stream, access.served == store.name, access.counted_use)

        def tell() -> None:
            named = self.of[store.name].on_access(seen)
            store.prefetches["named"] += len(named)
            limit = store.rules.prefetch.outstanding
            attempts = [lambda key=key: self.attempt(key, store, limit) for key in named]
            self.twin.calendar.heard.extendleft(reversed(attempts))

        return tell

    # A prefetch, an agent's too

    def attempt(self, obj: int, target: Store, limit: float) -> bool:
        """Begin a prefetch; false if there is nothing to do, or it is dropped."""
        chain = self._chain_through(target)
        place = chain.index(target)
        nearer = [store for store in chain[: place + 1] if store.state.get(obj) in (ARRIVING, RESIDENT)]
        source = next((store for store in chain[place + 1 :] if store.resident(obj)), None)
        if obj in self.twin.transits.current or nearer or source is None:
            return False
        target.prefetches["issued"] += 1
        size = self.twin.objects.size[obj]
        no_room = len(self.on_their_way(target)) >= limit or target.turns_away(size)
        if no_room or not self.twin.transits.prefetch(obj, source, target, self.twin.replay.streams):
            target.prefetches["dropped"] += 1
            return False
        target.marks[obj] = "early"
        target.prefetches["bytes"] += size
        return True

    def on_their_way(self, target: Store) -> list[Any]:
        return [t for t in self.twin.transits.current.values() if t.kind == "prefetch" and t.target is target]

    def _chain_through(self, target: Store) -> list[Store]:
        chains = [unit.chain for unit in self.twin.units.values()]
        return next((chain for chain in chains if target in chain), [target])
