"""State: where a step finds its inputs, and what it leaves behind."""
