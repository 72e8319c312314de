"""AI models by their shapes: bytes of weights and of keys and values, FLOPs per token."""

from __future__ import annotations

from hiersim.models.catalogue import find_model, model_names
from hiersim.models.model import DTYPE_BITS, Figure, Model

__all__ = ["DTYPE_BITS", "Figure", "Model", "find_model", "model_names"]
