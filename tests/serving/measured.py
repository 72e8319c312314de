"""The measured data in ../shared, and a server whose steps take what the compiled cost says."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from oracle.serving.scheduler import Request, Server, Settings

from hiersim.drivers.serving import columns as c
from hiersim.drivers.serving.cost import step_times
from hiersim.drivers.serving.packing import Formats, pack
from hiersim.machine.catalogue import find_machine
from hiersim.models import Dtypes, find_model, work_of

MEASURED = Path(__file__).resolve().parents[3] / "shared" / "measured"
needs_measured = pytest.mark.skipif(
    not MEASURED.is_dir(), reason="../shared, with measured kernels and runs, is not here"
)


class Cost:
    """Seconds of a step, of a batch as the scheduler has it."""

    def __init__(self, machine, model, formats=None):
        formats = formats or Formats()
        found = find_machine(machine)
        self.unit = found.units["gpu0"]
        self.near = found.tiers[self.unit.tier]
        self.work = work_of(find_model(model), 1, Dtypes(weights=formats.weights, kv=formats.kv))
        self.packed = pack(self.work, self.unit, self.near, formats)
        self.out = np.zeros((1, c.OUT))
        self.batch = np.zeros((1, c.BATCH), np.int64)
        self.chunks = np.zeros((2, 1, 4096), np.int64)

    def __call__(self, batch):
        decoding = [before for new, before, _ in batch if new == 1]
        chunks = [(new, before) for new, before, _ in batch if new > 1]
        self.batch[0] = len(decoding), sum(decoding), max(decoding, default=0), len(chunks), len(batch)
        for i, (new, before) in enumerate(chunks):
            self.chunks[:, 0, i] = new, before
        step_times(self.packed, self.batch, self.chunks[0], self.chunks[1], self.out)
        return self.out[0, c.TIME] / 1e12


class ClosedLoop(Server):
    """A fixed number of requests at a time: when one is done, the next one comes."""

    def __init__(self, at_once, prompt, output, total, settings):
        self.left, self.shape, self.done = total - at_once, (prompt, output), []
        super().__init__([Request(0.0, prompt, output) for _ in range(at_once)], settings)

    def step(self, scheduled, cost):
        super().step(scheduled, cost)
        for request, _ in scheduled:
            if request.last is not None:
                self.done.append(request)
                if self.left:
                    self.left -= 1
                    self.coming.append(Request(self.now, *self.shape, name=-1 - self.left))


def measured_requests():
    """What the measured run says of each request, and the settings of its server."""
    folder = MEASURED / "vllm_rtx4090_llama3.1_8b"
    rows = [json.loads(line) for line in (folder / "requests.jsonl").read_text().splitlines()]
    return rows, json.loads((folder / "meta.json").read_text())


def settings_of(meta):
    """The settings of a vLLM server: one block of the pool holds no request's tokens."""
    engine, cache = meta["engine_kwargs"], meta["kv_cache"]
    return Settings(
        blocks=cache["num_gpu_blocks"] - 1,
        block_tokens=cache["block_size"],
        most_tokens=engine["max_num_batched_tokens"],
        most_sequences=engine["max_num_seqs"],
        prefix_cache=cache["enable_prefix_caching"],
        longest=engine["max_model_len"],
    )


def rows_of(name):
    with (MEASURED / name).open() as file:
        return list(csv.DictReader(file))
