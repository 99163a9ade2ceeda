"""How fast DeZero is: one command that measures it and every installed peer in the same run.

`python -m benchmarks` writes `docs/benchmarks.md`; `python -m benchmarks --help` lists the options.
`python -m benchmarks.examples` measures what compiling is worth in the examples, for the gallery,
`python -m benchmarks.profile` where the time of compiled steps goes, for `docs/profile.md`.
What is measured stands in `benchmarks/rows/`, one family a file; whom we are measured against in
`columns.py`.
"""
