"""AI models by their shapes: bytes of weights and of keys and values, FLOPs per token, and the work of a step."""

from __future__ import annotations

from hiersim.models.catalogue import find_model, model_names
from hiersim.models.dtypes import DTYPE_BITS
from hiersim.models.figure import Figure
from hiersim.models.model import Model
from hiersim.models.splitting import Dtypes, work_of
from hiersim.models.state import State
from hiersim.models.step import StepWork, step_work
from hiersim.models.work import Mixing, Projection, Work, WorkArrays

__all__ = [
    "DTYPE_BITS",
    "Dtypes",
    "Figure",
    "Mixing",
    "Model",
    "Projection",
    "State",
    "StepWork",
    "Work",
    "WorkArrays",
    "find_model",
    "model_names",
    "step_work",
    "work_of",
]
