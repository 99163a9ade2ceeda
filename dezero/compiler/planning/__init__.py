"""Planning: what of a tape is computed, in which loops, and where in memory."""
