"""What reads and runs graphs: derivatives by differences, finding writes into arrays."""

from .debug import debug_mode
from .numerical import gradient_check, numerical_grad, numerical_gradients

__all__ = ["debug_mode", "gradient_check", "numerical_grad", "numerical_gradients"]
