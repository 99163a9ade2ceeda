"""How fast DeZero is: one command that measures it and every installed peer in the same run.

`python -m benchmarks` writes `docs/benchmarks.md`; `python -m benchmarks --help` lists the options.
What is measured stands in `benchmarks/rows/`, one family a file; whom we are measured against in
`columns.py`.
"""
