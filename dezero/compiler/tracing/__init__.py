"""Tracing: a real run of a function writes what it computes on a tape."""
