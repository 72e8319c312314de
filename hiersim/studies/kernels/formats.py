"""The formats of measured kernels, recognised by their columns: each turns a file into tables.

A format is a function of a file and of what the user said of it, registered in ``FORMATS`` under the columns that it
needs; docs/calibrate.md lists them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hiersim.errors import ConfigError, Mistake
from hiersim.models import Mixing, Model, Projection, Work, work_of
from hiersim.studies.kernels.csvfile import CsvFile
from hiersim.studies.kernels.table import Floats, Sort, Table, numbered

LOGIT = 4
"""Bytes of a logit."""
BITS = {"fp8": 8, "int8": 8, "fp8_e4m3": 8, "fp8_e5m2": 8}
"""Formats of 8 bits; all others are of 16."""
LAYERS = {
    "qkv_proj": "qkv",
    "o_proj": "attention_out",
    "gate_up_proj": "gate_up",
    "down_proj": "down",
    "lm_head": "head",
}
"""Layers that are products, and the model's name for the matrix."""
TINY = 1e-9
"""A time is more than nothing."""
NORMS = ("layernorm", "final_layernorm", "input_layernorm", "post_attention_layernorm")


@dataclass(frozen=True)
class Context:
    """What a file does not say of itself: the model that was measured, and on how many ranks it was split."""

    model: Model | None = None
    ranks: int = 1

    def work(self, file: CsvFile) -> Work:
        """Return the work of a rank of the model.

        Raises:
            ConfigError: no model is known.
        """
        if self.model is None:
            what = "measures layers by name, so the model must be known; name it: --model llama-3.1-8b"
            raise ConfigError([Mistake("--model", what, str(file.path))])
        return work_of(self.model, self.ranks)

    def matrix(self, file: CsvFile, layer: str) -> Projection:
        """Return the matrix of a layer's name."""
        work = self.work(file)
        found = next((each for each in work.projections if each.name == LAYERS[layer]), None)
        if found is None:
            raise ConfigError([Mistake("layer", f"{work.model} has no `{layer}`", str(file.path))])
        return found

    def attention(self, file: CsvFile) -> Mixing:
        """Return the model's attention.

        Raises:
            ConfigError: it has none, or several kinds.
        """
        work = self.work(file)
        kinds = [each for each in work.mixings if each.window]
        if len(kinds) != 1:
            raise ConfigError([Mistake("--model", f"{work.model} has not one kind of attention", str(file.path))])
        return kinds[0]


def gemm(file: CsvFile, context: Context) -> Iterator[Table]:
    """Products of random matrices, repeated: ``accelerator,gemm_dtype,m,n,k,latency_ms``."""
    for unit, dtype, part in _by(file, "accelerator", "gemm_dtype"):
        bits = 8 if dtype in BITS else 16
        if bits == 16 and dtype not in ("bfloat16", "float16", "bf16", "fp16"):
            continue  # block-scaled and the like: kernels of their own
        m, n, k = (part.numbers(name, 1) for name in ("m", "n", "k"))
        values = np.stack([m, k, n, n * k * bits / 8], axis=1)
        yield Table("linear", file.path.name, unit, bits, values, _ms(part), numbered(n, k), alone=True)


def decode(file: CsvFile, context: Context) -> Iterator[Table]:
    """Decode attention, repeated: ``batch_size,context_tokens`` and the shapes of ``prefill``."""
    for unit, dtype, part in _by(file, "accelerator", "kv_cache_dtype"):
        bits = BITS.get(dtype, 16)
        count, context_tokens = part.numbers("batch_size", 1), part.numbers("context_tokens")
        heads, kv_heads, dim = (part.numbers(f, 1) for f in ("num_heads", "num_key_value_heads", "head_dim"))
        zero = np.zeros(len(count))
        kv = 2 * kv_heads * dim * bits / 8
        columns = [count, context_tokens + 1, zero, zero, zero, heads, kv_heads, 4 * heads * dim, kv]
        yield Table(
            "decode", file.path.name, unit, bits, np.stack(columns, axis=1), _ms(part), numbered(count), alone=True
        )


def prefill(file: CsvFile, context: Context) -> Iterator[Table]:
    """Prefill attention, repeated: ``batch_size,isl,num_heads,num_key_value_heads,head_dim,step,latency_ms``."""
    for unit, dtype, part in _by(file, "accelerator", "kv_cache_dtype"):
        bits = BITS.get(dtype, 16)
        part = part.keep(part.numbers("isl", 1) > 1)
        count, new, before = part.numbers("batch_size", 1), part.numbers("isl", 1), part.numbers("step", default=0.0)
        heads, kv_heads, dim = (part.numbers(f, 1) for f in ("num_heads", "num_key_value_heads", "head_dim"))
        zero = np.zeros(len(count))
        kv = 2 * kv_heads * dim * bits / 8
        columns = [zero, zero, count, new, before, heads, kv_heads, 4 * heads * dim, kv]
        yield Table(
            "attention", file.path.name, unit, bits, np.stack(columns, axis=1), _ms(part), numbered(new), alone=True
        )


def layers(file: CsvFile, context: Context) -> Iterator[Table]:
    """Layers of a model by tokens: ``layer,tokens,time_us``; by sequences: ``layer,sequences,time_us``."""
    by = "tokens" if file.has("tokens") else "sequences"
    names = np.array(file.texts("layer"))
    products = file.keep(np.isin(names, list(LAYERS)))
    if products.lines:
        matrices = [context.matrix(file, name) for name in products.texts("layer")]
        sizes = [[each.rows, each.columns, each.weight_bytes] for each in matrices]
        values = np.column_stack([products.numbers(by, 1), np.array(sizes, np.float64)])
        setting = numbered(products.texts("layer"))
        yield Table("linear", file.path.name, "", 16, values, products.numbers("time_us", TINY), setting, alone=False)
    widths = _activation_bytes(file, context, set(names))
    small = file.keep(np.isin(names, list(widths)))
    if small.lines:
        per_token = np.array([widths[name] for name in small.texts("layer")], np.float64)
        values = per_token * small.numbers(by, 1)[:, None]
        setting = numbered(small.texts("layer"))
        yield Table("elementwise", file.path.name, "", 16, values, small.numbers("time_us", TINY), setting, alone=False)
    sampler = file.keep(names == "sampler")
    if sampler.lines:
        head = context.matrix(file, "lm_head")
        values = LOGIT * head.columns * sampler.numbers(by, 1)[:, None]
        setting = np.arange(len(values)) % 5
        yield Table("sampling", file.path.name, "", 16, values, sampler.numbers("time_us", TINY), setting, alone=False)


def _activation_bytes(file: CsvFile, context: Context, names: set[str]) -> dict[str, tuple[float, float]]:
    """Return bytes per token that the layers which are no products read and write."""
    known = {"rotary_emb", "act_fn", "embedding", *NORMS} & names
    if not known:
        return {}
    width = 2.0 * context.work(file).hidden
    found = dict.fromkeys(NORMS, (2 * width, 2 * width)) | {"embedding": (width, width)}
    if "act_fn" in known:
        up = 2.0 * context.matrix(file, "gate_up_proj").columns
        found["act_fn"] = (up, up / 2)
    if "rotary_emb" in known:
        attention = context.attention(file)
        turned = attention.flops_per_pair / 2 + attention.kv_bytes_per_token / 2
        found["rotary_emb"] = (turned, turned)
    return {name: found[name] for name in known}


def batches(file: CsvFile, context: Context) -> Iterator[Table]:
    """Attention of a model in batches: ``prefill_chunk,kv_prefill,n_decode,kv_decode,time_us``."""
    attention = context.attention(file)
    file = file.keep(file.numbers("decode_q_len", default=1.0) == 1.0)
    new, before, count, keys = (file.numbers(f) for f in ("prefill_chunk", "kv_prefill", "n_decode", "kv_decode"))
    one = np.ones(len(new))
    shapes = [attention.heads, attention.kv_heads, attention.flops_per_pair, attention.kv_bytes_per_token]
    columns = [count, keys, (new > 0) * one, new, before, *(one * shape for shape in shapes)]
    values, times = np.stack(columns, axis=1), file.numbers("time_us", TINY)
    alone, mixed = (new == 0) & (count > 0), new > 0
    sorts: tuple[tuple[Sort, NDArray[np.bool_], Floats], ...] = (("decode", alone, count), ("attention", mixed, new))
    for sort, rows, setting in sorts:
        if rows.any():
            part = numbered(setting[rows])
            yield Table(sort, file.path.name, "", 16, values[rows], times[rows], part, alone=False)


def copies(file: CsvFile, context: Context) -> Iterator[Table]:
    """A user's copies within the near tier: ``bytes,time_us``; each byte is read and written."""
    size = file.numbers("bytes", 1)
    setting = np.arange(len(size)) % 5
    yield Table(
        "elementwise", file.path.name, "", 16, np.stack([size, size], 1), file.numbers("time_us", TINY), setting, True
    )


def sweep(file: CsvFile, context: Context) -> Iterator[Table]:
    """A user's decode sweep: ``sequences,context_tokens,kv_bytes_per_token,time_us`` of one layer."""
    count, tokens = file.numbers("sequences", 1), file.numbers("context_tokens", 1)
    kv_heads = file.numbers("kv_heads", 1, default=8.0)
    heads = file.numbers("heads", 1, default=4.0 * float(kv_heads[0]))
    kv, zero = file.numbers("kv_bytes_per_token", 1), np.zeros(len(count))
    bits = file.numbers("kv_bits", 1, default=16.0)
    for each in sorted(set(bits)):
        rows = bits == each
        pair = 2 * heads / kv_heads * kv * 8 / bits  # keys and values of a head, times two
        values = np.stack([count, tokens, zero, zero, zero, heads, kv_heads, pair, kv], axis=1)[rows]
        setting = numbered(count[rows])
        yield Table("decode", file.path.name, "", int(each), values, file.numbers("time_us", TINY)[rows], setting, True)


def _by(file: CsvFile, *names: str) -> Iterator[tuple[str, str, CsvFile]]:
    """Yield the parts of a file with the same card and data type."""
    keys = list(zip(*(file.texts(name) for name in names), strict=True))
    for key in sorted(set(keys)):
        yield key[0], key[1], file.keep([each == key for each in keys])


def _ms(file: CsvFile) -> Floats:
    """Return the times of a file that has milliseconds, in microseconds."""
    found: Floats = 1000.0 * file.numbers("latency_ms", TINY)
    return found


Reader = Callable[[CsvFile, Context], Iterator[Table]]
FORMATS: dict[tuple[str, ...], Reader] = {
    ("m", "n", "k", "latency_ms"): gemm,
    ("batch_size", "num_heads", "num_key_value_heads", "head_dim", "context_tokens", "latency_ms"): decode,
    ("batch_size", "isl", "num_heads", "num_key_value_heads", "head_dim", "latency_ms"): prefill,
    ("layer", "tokens", "time_us"): layers,
    ("layer", "sequences", "time_us"): layers,
    ("prefill_chunk", "kv_prefill", "n_decode", "kv_decode", "time_us"): batches,
    ("sequences", "context_tokens", "kv_bytes_per_token", "time_us"): sweep,
    ("bytes", "time_us"): copies,
}
"""Readers by the columns that tell a format; the first that a header has all of is taken."""
