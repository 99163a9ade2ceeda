"""The random numbers of dropout and sampling: seed them, save and restore their state.

Initial weights come from NumPy's global generator instead: `np.random.seed`.
"""

from .arrays.random import get_state, seed, set_state

__all__ = ["get_state", "seed", "set_state"]
