"""The studies that ship: one file and one line of ``TABLE`` each.

A file is a YAML description (`hiersim.studies.described`) where a trace, some replays and arithmetic say it all, and
otherwise a module with a ``STUDY``.
"""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module
from pathlib import Path

from hiersim.errors import ConfigError, Mistake, nearest
from hiersim.studies.claim import Study

FOLDER = Path(__file__).parent
TABLE = {
    "fifo-anomaly": "fifo_anomaly.yaml",
    "succinct-paging": "succinct_paging",
    "lec-multiplexing": "lec_multiplexing",
    "open-addressing": "open_addressing",
    "routing-consistency": "routing_consistency",
    "kivi": "kivi",
    "mikv": "mikv",
    "more-tokens-lower-precision": "more_tokens",
    "visual-kv-1bit": "visual_kv",
    "aqua-kv": "aqua_kv",
    "coupled-quantization": "cq",
    "csr-sparse-kv": "csr",
    "gear": "gear",
    "outlier-bfp": "outlier_bfp",
    "vattention": "vattention",
    "paged-attention": "paged_attention",
    "cachegen": "cachegen",
    "cache-craft": "cache_craft",
    "batchllm": "batchllm",
    "relay-attention": "relay_attention",
    "pensieve": "pensieve",
    "mooncake-reuse": "mooncake_reuse",
    "fastswitch": "fastswitch",
    "s3-lengths": "s3_lengths",
    "flexgen": "flexgen.yaml",
    "endor": "endor.yaml",
    "llm-in-a-flash": "llm_in_a_flash",
    "flash-llm": "flash_llm.yaml",
    "sn40l": "sn40l",
    "flexinfer": "flexinfer.yaml",
    "quantized-code-llms": "quantized_code_llms.yaml",
    "superpipeline": "superpipeline.yaml",
    "bitstack": "bitstack",
    "any-precision": "any_precision.yaml",
    "apt-llm": "apt_llm",
    "svdquant": "svdquant",
    "parameter-sharing": "parameter_sharing",
    "neuzip": "neuzip.yaml",
    "marlin": "marlin",
    "k-bit-scaling": "k_bit_scaling.yaml",
    "turbo-vbi": "turbo_vbi",
    "mixllm": "mixllm.yaml",
    "pixart-delta": "pixart_delta",
    "paretoq": "paretoq.yaml",
    "block-quantisation": "block_quantisation.yaml",
    "edgemoe": "edgemoe.yaml",
    "ultramem": "ultramem",
    "memory-layers": "memory_layers.yaml",
    "memoryformer": "memoryformer",
    "product-key-memory": "product_key_memory",
    "flash-attention": "flash_attention",
    "attention-io": "attention_io",
    "fusemax": "fusemax",
    "chunked-attention": "chunked_attention",
    "headinfer": "headinfer",
    "instinfer": "instinfer",
    "pim-gpt": "pim_gpt",
    "lamina": "lamina",
    "buffer-sharing": "buffer_sharing",
    "cosma": "cosma",
    "memory-mapping": "memory_mapping",
    "memo": "memo",
    "im2win": "im2win",
    "smash": "smash",
    "larc": "larc",
    "edge-moe": "edge_moe",
    "deformable-convolution": "deformable_convolution",
    "codenet": "codenet",
}


def find(name: str) -> Study:
    """Return a study by its name.

    Raises:
        ConfigError: there is none of this name; the nearest is named.
    """
    if name not in TABLE:
        what = f"no study `{name}`{nearest(name, TABLE)} (`hiersim studies` lists all {len(TABLE)})"
        raise ConfigError([Mistake("NAME", what)])
    if TABLE[name].endswith(".yaml"):
        from hiersim.studies.described import described

        return described(FOLDER / TABLE[name])
    study: Study = import_module(f"{__name__}.{TABLE[name]}").STUDY
    return study


def select(names: Iterable[str] = (), family: str | None = None) -> list[Study]:
    """Return studies by name, those of a family, or all.

    Raises:
        ConfigError: a name or the family is unknown.
    """
    found = [find(name) for name in names or TABLE]
    if family is None:
        return found
    families = sorted({find(name).family for name in TABLE})
    if family not in families:
        what = f"no family `{family}`{nearest(family, families)} (there are {', '.join(families)})"
        raise ConfigError([Mistake("--family", what)])
    return [study for study in found if study.family == family]
