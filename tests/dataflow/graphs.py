"""Random small graphs of operators, as the package has them and plainly."""

from __future__ import annotations

from random import Random

from hiersim.scratchpad.graph import Graph, Operator, Tensor


def graph(seed: int, operators: int = 5, most: int = 4) -> Graph:
    """Operators that each write one tensor and read one to three that are there: inputs, or earlier ones' results."""
    random = Random(seed)
    count = random.randint(2, operators)
    given = [
        Tensor(f"i{i}", random.randint(1, most), random.choice(("input", "weight")))
        for i in range(random.randint(1, 3))
    ]
    made, there = [], list(range(len(given)))
    done = []
    for o in range(count):
        reads = random.sample(there, min(len(there), random.choice((1, 2, 2, 3))))
        kind = "output" if o == count - 1 or random.random() < 0.15 else "intermediate"
        made.append(Tensor(f"t{o}", random.randint(1, most), kind))
        done.append(Operator(f"o{o}", tuple(reads), (len(given) + o,), random.randint(0, 100)))
        there.append(len(given) + o)
    return Graph(f"g{seed}", (*given, *made), tuple(done))


def plain(g: Graph):
    """Operators, sizes, inputs and outputs as plain numbers."""
    inputs = [i for i, t in enumerate(g.tensors) if t.given]
    outputs = [i for i, t in enumerate(g.tensors) if t.kind == "output"]
    return [(o.reads, o.writes) for o in g.operators], [t.size_bytes for t in g.tensors], inputs, outputs
