"""Executors: two ways to carry out a plan, NumPy and C."""
