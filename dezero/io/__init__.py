"""Files: weights and other state as `.safetensors` or `.npz`."""

from .weights import load_arrays, load_state, save_arrays, save_state

__all__ = ["load_arrays", "load_state", "save_arrays", "save_state"]
