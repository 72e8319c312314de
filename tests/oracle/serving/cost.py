"""The cost of a step in plain Python, from docs/step_cost.md: kernel by kernel, with nothing of the package.

``kernels`` is a mapping of groups of constants, times in seconds; ``sheet`` has ``bandwidth``, ``flops`` and
``weight_flops``; ``work`` is anything with the attributes of a rank's work. A batch is a list of (new tokens, tokens
before them); a sequence with one new token decodes.
"""

import math
from dataclasses import dataclass


@dataclass
class Cost:
    """What a step takes (seconds, of one rank) and what it moves (bytes of its near tier)."""

    time: float = 0.0
    compute: float = 0.0
    memory: float = 0.0
    link: float = 0.0
    flops: float = 0.0
    weights: float = 0.0
    kv_read: float = 0.0
    kv_written: float = 0.0
    activations_read: float = 0.0
    activations_written: float = 0.0
    link_bytes: float = 0.0

    def add(self, layers, fixed, compute, memory, time):
        self.time += layers * (fixed + time)
        self.compute += layers * (fixed + compute)
        self.memory += layers * memory


def smooth(a, b, p):
    """The smooth maximum."""
    if a == 0 or b == 0:
        return a + b
    big = max(a, b)
    return big * ((a / big) ** p + (b / big) ** p) ** (1 / p)


class Step:
    """A unit with its constants and a model's rank; call it with a batch."""

    def __init__(self, kernels, sheet, work, link=(0.0, 1.0)):
        self.k, self.sheet, self.work, self.link = kernels, sheet, work, link
        self.l2 = kernels["l2_capacity"]
        self.resident = self.served(work.weight_bytes)

    def served(self, size):
        """Share of a working set that the L2 serves."""
        if not self.l2:
            return 0.0
        return 1.0 if size <= self.l2 else max(2 - size / self.l2, 0.0)

    def __call__(self, batch, sampled):
        out = Cost()
        tokens = sum(new for new, _ in batch)
        if not tokens:
            return out
        for matrix in self.work.projections:
            if matrix.tokens == "expert":
                share = self.work.experts_active / self.work.experts
                touched = self.work.experts * (1 - (1 - share) ** tokens)
                self.product(out, matrix, tokens * self.work.experts_active / touched, touched)
            else:
                self.product(out, matrix, tokens if matrix.tokens == "all" else sampled, 1)
        decoding = [before for new, before in batch if new == 1]
        chunks = [(new, before) for new, before in batch if new > 1]
        for mixer in self.work.mixings:
            out.kv_written += mixer.layers * tokens * mixer.kv_bytes_per_token
            if mixer.window == 0:
                self.state(out, mixer, len(batch), tokens)
            elif chunks:
                self.mixed(out, mixer, decoding, chunks)
            else:
                self.decode(out, mixer, decoding)
        self.elementwise(out, tokens)
        self.sampling(out, sampled)
        out.weights += self.work.other_bytes * (1 - self.resident)
        if self.work.ranks > 1:
            turn = 1 - 1 / self.work.ranks
            reduced = 2 * tokens * self.work.all_reduce_bytes_per_token
            out.link_bytes = turn * (reduced + sampled * self.work.gather_bytes_per_sequence)
            out.link = self.link[0] * (self.work.all_reduces + 1) + out.link_bytes / self.link[1]
        out.time += out.link + self.k["step"]
        out.compute += out.link + self.k["step"]
        return out

    def product(self, out, matrix, tokens, copies):
        if not tokens:
            return
        k, rows, columns = self.k["linear"], matrix.rows, matrix.columns
        weights = copies * matrix.weight_bytes
        missed = 1 - self.served(2 * tokens * copies * (rows + columns))
        read, written = (2 * tokens * copies * width * missed for width in (rows, columns))
        share = k["bandwidth"] if tokens <= 16 else k["wide_bandwidth"]
        near = weights * (1 - self.resident)
        memory = (near + read + written) / (share * self.sheet["bandwidth"])
        served = weights * self.resident / (self.k["elementwise"]["l2_bandwidth"] * self.sheet["bandwidth"])
        padded = math.ceil(tokens / k["rows"]) * k["rows"]
        compute = 2 * padded * copies * rows * columns / (k["flops"] * self.sheet["weight_flops"])
        fixed = k["overhead"] + rows * k["depth"]
        out.add(matrix.layers, fixed, compute, memory, smooth(memory + served, compute, k["sharpness"]))
        out.flops += matrix.layers * 2 * tokens * copies * rows * columns
        out.weights += matrix.layers * near
        out.activations_read += matrix.layers * read
        out.activations_written += matrix.layers * written

    def decode(self, out, mixer, decoding):
        k, tile = self.k["decode"], self.k["prefill"]
        keys = min(sum(before + 1 for before in decoding), len(decoding) * mixer.window)
        size = keys * mixer.kv_bytes_per_token
        start = len(decoding) * mixer.kv_heads * k["sequence"]
        group = mixer.heads / mixer.kv_heads
        padded = math.ceil(group / tile["rows"]) * tile["rows"] / group
        pairs = mixer.decode_flops_per_pair * keys
        compute = pairs * padded / (tile["flops"] * self.sheet["flops"])
        times = []
        for overhead, speed in ((k["overhead"], k["bandwidth"]), (k["l2_overhead"], k["l2_bandwidth"])):
            reading = size / (speed * self.sheet["bandwidth"])
            times.append((overhead, smooth(start, max(reading, compute), k["sharpness"])))
        far = min(max(size / self.l2 - 1, 0), 1) if self.l2 else 1
        fixed = far * times[0][0] + (1 - far) * times[1][0]
        memory = size / (k["bandwidth"] * self.sheet["bandwidth"])
        out.add(mixer.layers, fixed, max(start, compute), memory, far * times[0][1] + (1 - far) * times[1][1])
        out.flops += mixer.layers * pairs
        out.kv_read += mixer.layers * size

    def mixed(self, out, mixer, decoding, chunks):
        k, rows, window = self.k["prefill"], self.k["prefill"]["rows"], mixer.window
        rate = k["flops"] * self.sheet["flops"]
        pair, own_pair = mixer.flops_per_pair / mixer.heads, mixer.decode_flops_per_pair / mixer.heads
        kv, reading = mixer.kv_bytes_per_token, self.k["decode"]["bandwidth"] * self.sheet["bandwidth"]
        tiles = [math.ceil(new / rows) for new, _ in chunks]
        pairs = compute = read = 0.0
        chains = []
        for (new, before), own in zip(chunks, tiles, strict=True):
            seen = sum_seen(new, before, window)
            old = min(before, window - 1)
            pairs += mixer.flops_per_pair * seen + mixer.expand_flops_per_key * old
            keys = seen / new + (rows - 1) / 2 + k["block"]
            compute += (mixer.heads * own * rows * keys * pair + mixer.expand_flops_per_key * old) / rate
            chains.append((min(before + new, window) + k["block"]) * rows * pair / rate)
            read += new + old
        keys = 0
        if decoding:
            keys = min(sum(before + 1 for before in decoding), len(decoding) * window)
            packed = mixer.heads / mixer.kv_heads >= rows
            wide = 1 if packed else self.k["mixed"]["rows"]
            around = k["block"] + rows / 2
            compute += mixer.heads * (keys + len(decoding) * around) * wide * own_pair / rate
            chains.append((min(max(decoding) + 1, window) + around) * rows * own_pair / rate)
            pairs += mixer.decode_flops_per_pair * keys
        absent = sum(max(tiles) - own for own in tiles) + len(decoding) * (max(tiles) - 1)
        compute += absent * mixer.heads * self.k["mixed"]["empty"]
        bound = smooth(compute, max(chains) * k["lanes"], k["sharpness"])
        memory = (self.reread(mixer, keys, len(decoding) + sum(tiles)) + read * kv) / reading
        new = len(decoding) + sum(count for count, _ in chunks)
        passed = k["passes"] * new * (mixer.flops_per_pair + kv) / self.sheet["bandwidth"]
        out.add(mixer.layers, k["overhead"], bound, memory + passed, max(bound, memory) + passed)
        out.flops += mixer.layers * pairs
        out.kv_read += mixer.layers * (keys + read) * kv

    def reread(self, mixer, keys, tiles):
        size, group = keys * mixer.kv_bytes_per_token, mixer.heads / mixer.kv_heads
        if not self.l2 or group >= self.k["prefill"]["rows"]:
            return size
        over = min(max(size / mixer.kv_heads / self.l2 - self.k["mixed"]["reuse"], 0), 1)
        return size + size * (group - 1) * over * min(tiles / self.k["prefill"]["lanes"], 1)

    def state(self, out, mixer, sequences, tokens):
        k = self.k["elementwise"]
        memory = 2 * sequences * mixer.state_bytes / (k["bandwidth"] * self.sheet["bandwidth"])
        flops = tokens * mixer.flops_per_token
        compute = flops / (self.k["linear"]["flops"] * self.sheet["weight_flops"])
        out.add(mixer.layers, k["overhead"], compute, memory, max(memory, compute))
        out.flops += mixer.layers * flops
        out.kv_read += mixer.layers * sequences * mixer.state_bytes
        out.kv_written += mixer.layers * sequences * mixer.state_bytes

    def elementwise(self, out, tokens):
        width = 2 * self.work.hidden
        for count, read, written in (
            *[(2 * self.work.layers + 1, 2 * width, 2 * width), (1, width, width)],
            *self.rotations(),
            *self.activations(),
        ):
            k, size = self.k["elementwise"], tokens * (read + written)
            missed = 1 - self.served(size)
            near = size * missed / (k["bandwidth"] * self.sheet["bandwidth"])
            close = size * (1 - missed) / (k["l2_bandwidth"] * self.sheet["bandwidth"])
            out.add(count, k["overhead"], close, near, near + close)
            out.activations_read += count * tokens * read * missed
            out.activations_written += count * tokens * written * missed

    def rotations(self):
        for mixer in self.work.mixings:
            if mixer.window:
                turned = mixer.flops_per_pair / 2 + mixer.kv_bytes_per_token / 2
                yield mixer.layers, turned, turned

    def activations(self):
        for matrix in self.work.projections:
            stem = matrix.name.split("_", 1)[-1] if matrix.name.startswith(("expert_", "shared_")) else matrix.name
            if stem in ("gate_up", "up"):
                times = self.work.experts_active if matrix.tokens == "expert" else 1
                out = matrix.columns / 2 if stem == "gate_up" else matrix.columns
                yield matrix.layers, 2 * times * matrix.columns, 2 * times * out

    def sampling(self, out, sampled):
        if not sampled:
            return
        k, logits = self.k["elementwise"], 4 * sampled * self.work.projections[-1].columns
        size = self.k["sampling"]["passes"] * logits
        near = size * (1 - self.served(logits))
        memory = near / (k["bandwidth"] * self.sheet["bandwidth"])
        close = (size - near) / (k["l2_bandwidth"] * self.sheet["bandwidth"])
        out.add(1, self.k["sampling"]["overhead"], close, memory, memory + close)
        out.activations_read += near


def sum_seen(new, before, window):
    """What each of the new tokens sees, one after another."""
    return sum(min(before + i, window) for i in range(1, new + 1))
