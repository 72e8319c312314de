"""What a predictor would have said of a trace: the truth, the truth with errors of a model, or the worst.

    perfect             the truth
    noisy:sigma=0.5     next uses whose distance is multiplied by a lognormal number of this sigma
    flip:p=0.1          bits, each wrong with this probability
    adversarial         next uses in the reverse of their true order; every bit wrong

Predictions are int32[accesses], as policies get them (``PREDICTS`` in a policy's file): of next uses the number of the
access, or -1 for never; of bits 0 to keep the key, -1 where it may go. A *discard* bit says whether the optimum evicts
the key before it is used again, or it never is; a *phase* bit, whether it is not used in the phase after this one: a
phase is as many accesses as touch no more than the cache holds.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from hiersim import jit
from hiersim.drivers.cache_loop import next_uses
from hiersim.drivers.cache_study import study
from hiersim.errors import ConfigError, Mistake, PolicyError, nearest
from hiersim.policies.loader import Policy

KINDS: dict[str, str | None] = {"perfect": None, "noisy": "sigma", "flip": "p", "adversarial": None}
MOST = {"sigma": 100.0, "p": 1.0}
WRONG_FOR = {"next_use": ("flip", "noisy:sigma=.."), "discard": ("noisy", "flip:p=.."), "phase": ("noisy", "flip:p=..")}


@dataclass(frozen=True)
class Errors:
    """How wrong predictions are: a key of ``KINDS``, and its parameter, if it has one."""

    kind: str = "perfect"
    amount: float = 0.0

    @classmethod
    def of(cls, text: str) -> Errors:
        """Read ``perfect``, ``noisy:sigma=0.5``, ``flip:p=0.1`` or ``adversarial``.

        Raises:
            ConfigError: it is none of them.
        """
        kind, _, rest = text.partition(":")
        if kind not in KINDS:
            raise _mistake(f"`{text}` is not one of {', '.join(map(_spelled, KINDS))}{nearest(kind, KINDS)}")
        name, _, number = rest.partition("=")
        expected = KINDS[kind]
        if name != (expected or "") or (expected and not number):
            raise _mistake(f"`{text}` should be `{_spelled(kind)}`")
        try:
            amount = float(number or 0)
        except ValueError:
            raise _mistake(f"{name} must be a number, got `{number}`") from None
        if not 0 <= amount <= MOST.get(name, 0.0):
            raise _mistake(f"{name} must be 0 to {MOST[name]:g}, got `{number}`")
        return cls(kind, amount)


@dataclass
class Predictor:
    """Predicts for any policy and capacity over one trace; the truths that several share are found once.

    Attributes:
        keys: int32[accesses], dense ids.
        objects: keys are 0 to ``objects`` - 1.
        sizes: int64[objects] in bytes; ``None`` if all count the same.
        given: how wrong the predictions are, or the predictions themselves, int32[accesses].
        seed: of the errors.
    """

    keys: np.ndarray
    objects: int
    sizes: np.ndarray | None = None
    given: Errors | np.ndarray = field(default_factory=Errors)
    seed: int = 0

    def __post_init__(self) -> None:
        if isinstance(self.given, np.ndarray):
            if self.given.shape != (len(self.keys),):
                had = " x ".join(map(str, self.given.shape))
                raise _mistake(f"must be one for each of {len(self.keys)} accesses, got {had}")
            if self.given.dtype.kind not in "iu":
                raise _mistake(f"must be whole numbers, got {self.given.dtype}")
        self._truths: dict[tuple[str, int], np.ndarray] = {}

    def predictions(self, policy: Policy, capacity: int) -> np.ndarray:
        """Return what the policy is told of the future: predictions if it takes any, and otherwise the truth.

        Args:
            policy: compiled.
            capacity: of its cache, in bytes; in objects where ``sizes`` is ``None``.

        Raises:
            PolicyError: it takes bits and the errors are of next uses, or the other way round.
        """
        kind = policy.predicts
        if not kind:
            return self.truth("next_use", capacity)
        if isinstance(self.given, np.ndarray):
            return self.given
        wrong, instead = WRONG_FOR[kind]
        if self.given.kind == wrong:
            takes = "next uses" if kind == "next_use" else f"{kind} bits"
            raise PolicyError(
                f"policy `{policy.name}` takes {takes}: predictions are perfect, {instead} or adversarial"
            )
        rng = np.random.default_rng([self.seed, zlib.crc32(kind.encode())])
        return with_errors(kind, self.truth(kind, capacity), self.given, rng)

    def truth(self, kind: str, capacity: int) -> np.ndarray:
        """Return perfect predictions: ``next_use``, ``discard`` or ``phase``; ``capacity`` in bytes or objects."""
        chosen = (kind, 0 if kind == "next_use" else capacity)
        if chosen not in self._truths:
            self._truths[chosen] = TRUTHS[kind](self, capacity)
        return self._truths[chosen]


def _next_uses(asked: Predictor, capacity: int) -> np.ndarray:
    return next_uses(asked.keys, asked.objects)


def _discard_bits(asked: Predictor, capacity: int) -> np.ndarray:
    later = asked.truth("next_use", capacity)
    best = study(asked.keys, asked.sizes, "opt", capacity, objects=asked.objects, next_use=later, hits=True)
    stays = (later >= 0) & best.hit_map[later] if best.hit_map is not None else later >= 0
    return np.where(stays, 0, -1).astype(np.int32)


def _phase_bits(asked: Predictor, capacity: int) -> np.ndarray:
    phase = np.empty(len(asked.keys), np.int32)
    sizes = np.ones(asked.objects, np.int64) if asked.sizes is None else asked.sizes
    _number_phases(asked.keys, sizes, capacity, np.full(asked.objects, -1, np.int32), phase)
    here = phase.astype(np.int64) * asked.objects + asked.keys
    return np.where(np.isin(here + asked.objects, here), 0, -1).astype(np.int32)


TRUTHS: dict[str, Callable[[Predictor, int], np.ndarray]] = {
    "next_use": _next_uses,
    "discard": _discard_bits,
    "phase": _phase_bits,
}


@jit.kernel
def _number_phases(keys: np.ndarray, sizes: np.ndarray, capacity: int, seen: np.ndarray, phase: np.ndarray) -> None:
    """Fill ``phase``; ``seen`` is the phase in which each key was met last. What is too large takes no part."""
    now, used = 0, 0
    for i in range(keys.shape[0]):
        key = keys[i]
        size = sizes[key]
        if seen[key] != now and size <= capacity:
            if used + size > capacity:
                now, used = now + 1, 0
            seen[key] = now
            used += size
        phase[i] = now


def with_errors(kind: str, truth: np.ndarray, errors: Errors, rng: np.random.Generator) -> np.ndarray:
    """Return predictions with errors.

    Args:
        kind: ``next_use``, ``discard`` or ``phase``.
        truth: perfect predictions, int32[accesses].
        errors: of what sort and how many.
        rng: draws them.
    """
    if errors.kind == "perfect":
        return truth
    if kind != "next_use":
        wrong = rng.random(len(truth)) < errors.amount if errors.kind == "flip" else np.ones(len(truth), np.bool_)
        return np.where(wrong, np.where(truth >= 0, -1, 0), truth).astype(np.int32)
    accesses = len(truth)
    end = np.where(truth >= 0, truth, accesses).astype(np.int64)
    if errors.kind == "adversarial":
        return (accesses - end).astype(np.int32)
    now = np.arange(accesses)
    with np.errstate(over="ignore"):
        distance = (end - now) * np.exp(errors.amount * rng.standard_normal(accesses))
    said = now + np.maximum(np.rint(np.minimum(distance, accesses)).astype(np.int64), 1)
    return np.where(said < accesses, said, -1).astype(np.int32)


def absolute_error(said: np.ndarray, truth: np.ndarray) -> int:
    """Return how far predicted next uses are from the true ones in all, in accesses; never is the end of the trace.

    Lykouris and Vassilvitskii (ICML 2018) measure predictors so.
    """
    ends = [np.where(each >= 0, each, len(truth)).astype(np.int64) for each in (said, truth)]
    return int(np.abs(ends[0] - ends[1]).sum())


def wrong_bits(said: np.ndarray, truth: np.ndarray) -> tuple[int, int]:
    """Return how many bits say to keep what should go, and how many to discard what should stay.

    Antoniadis et al. (ICML 2023) measure predictors so.
    """
    return int(((said >= 0) & (truth < 0)).sum()), int(((said < 0) & (truth >= 0)).sum())


def _spelled(kind: str) -> str:
    return f"{kind}:{KINDS[kind]}=.." if KINDS[kind] else kind


def _mistake(what: str) -> ConfigError:
    return ConfigError([Mistake("predictions", what)])
