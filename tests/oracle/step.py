"""The work of a step by plain loops over layers, tokens and tokens seen; nothing here imports the package.

A model is a mapping of shapes; only what the tests use of them is told: grouped-query attention in full or over a
window, dense gated blocks or experts, one rank of several that split heads, widths and the vocabulary evenly.
"""


def seen_by(position, window):
    """Positions that a token sees, itself last."""
    return [p for p in range(position + 1) if window is None or position - p < window]


def kv_heads_of(model, rank, ranks):
    """Heads of keys and values that a rank's queries use."""
    group, mine = model["heads"] // model["kv_heads"], model["heads"] // ranks
    return {head // group for head in range(rank * mine, (rank + 1) * mine)}


def matrices_of(model, layer, kv_heads, ranks):
    """(rows, columns) of one layer's matrices for every token, and of one expert's."""
    hidden, dim, heads = model["hidden"], model["head_dim"], model["heads"] // ranks
    always = [(hidden, (heads + 2 * kv_heads) * dim), (heads * dim, hidden)]
    if not model["is_mixture"](layer):
        width = model["intermediate"] // ranks
        return [*always, (hidden, 2 * width), (width, hidden)], []
    width = model["expert_intermediate"] // ranks
    return [*always, (hidden, model["experts"])], [(hidden, 2 * width), (width, hidden)]


def step(model, batch, ranks=1, rank=0):
    """FLOPs and bytes of two-byte numbers; ``batch`` has (context before, new tokens) of each sequence."""
    kv_heads, dim = len(kv_heads_of(model, rank, ranks)), model["head_dim"]
    total = dict.fromkeys(("flops", "attention_flops", "weights", "kv_read", "kv_written"), 0)
    for layer in range(model["layers"]):
        always, expert = matrices_of(model, layer, kv_heads, ranks)
        window = model["window_of"](layer)
        total["weights"] += sum(2 * rows * columns for rows, columns in always)
        for start, new in batch:
            read = set()
            for position in range(start, start + new):
                seen = seen_by(position, window)
                read.update(seen)
                total["attention_flops"] += len(seen) * (model["heads"] // ranks) * 2 * (dim + dim)
                total["flops"] += sum(2 * rows * columns for rows, columns in always)
                for _ in range(model["experts_active"] if expert else 0):
                    total["flops"] += sum(2 * rows * columns for rows, columns in expert)
                total["kv_written"] += 2 * kv_heads * dim * 2
            total["kv_read"] += len(read) * 2 * kv_heads * dim * 2
    columns = model["vocabulary"] // ranks
    total["weights"] += 2 * model["hidden"] * columns
    total["flops"] += len(batch) * 2 * model["hidden"] * columns + total["attention_flops"]
    return total
