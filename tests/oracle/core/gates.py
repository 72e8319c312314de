"""Section 8, *Admission*: which tier takes what."""

from __future__ import annotations

import importlib
import inspect
from typing import TYPE_CHECKING, Any

import numpy as np
from oracle.core.stores import Req, Store

if TYPE_CHECKING:
    from oracle.core.accesses import Access
    from oracle.core.twin import Twin

MODULES = {"size-chance": ("size", {"soft": 1})}  # variants; all others have a module of their own name


class Gates:
    """The admission of each tier that has one; a policy may refuse, too."""

    def __init__(self, twin: Twin, seed: int = 0) -> None:
        self.twin = twin
        self.of: dict[str, Any] = {}
        self.issued = 0
        tiers = len(twin.stores)
        words = np.random.SeedSequence(seed).generate_state(3 * tiers, np.uint64)
        for t, store in enumerate(twin.stores):
            choice = store.rules.admission
            if choice is not None:
                module, options = MODULES.get(choice.name, (choice.name.replace("-", "_"), {}))
                options = options | {key: self._number(text) for key, text in choice.params.items()}
                made = importlib.import_module(f"oracle.admission.{module}").Twin
                if "costs" in inspect.signature(made).parameters:
                    options["costs"] = self._costs()
                self.of[store.name] = made(
                    store.capacity, len(twin.objects), seed=int(words[2 * tiers + t]) // 2, **options
                )

    def _costs(self) -> list[float] | None:
        """What a miss of each object costs, FLOPs; 1 each unless that is known of all."""
        flops = self.twin.objects.flops
        return flops if all(each > 0 for each in flops) else None

    def _number(self, text: Any) -> Any:
        return float(text) if "." in str(text) else int(text)

    def asked_for(self, store: Store, obj: int) -> None:
        if store.name in self.of:
            self.of[store.name].access(obj, self.twin.objects.size[obj], self.issued - 1)

    def admits(self, store: Store, obj: int) -> bool:
        if store.name not in self.of and not hasattr(store.policy, "admit"):
            return True
        size, now = self.twin.objects.size[obj], self.issued - 1
        picky = getattr(store.policy, "admit", lambda key, req: True)
        welcome = picky(obj, Req(obj, size, now)) and (store.name not in self.of or self._asked(store, obj))
        store.counters["denied"] += not welcome
        return welcome

    def _asked(self, store: Store, obj: int) -> bool:
        gate, size, now = self.of[store.name], self.twin.objects.size[obj], self.issued - 1
        if not gate.admit(obj, size, now):
            return False
        if gate.compares and len(store.policy) and store.used - store.leaving + store.queued + size > store.capacity:
            return gate.prefer(obj, store.policy.victim(Req(obj, size, now)), size, now)
        return True

    def first_that_admits(self, access: Access) -> Store | None:
        """Which tier takes an object that is nowhere yet."""
        size = self.twin.objects.size[access.object]
        for store in access.chain:
            full = store is not access.near and store.turns_away(size)
            if not full and self.admits(store, access.object):
                return store
        return None

    def turned_away(self, store: Store, obj: int, dirty: bool) -> bool:
        """Whether a tier does not take what is sent to it."""
        return not dirty and obj not in store.state and not self.admits(store, obj)
