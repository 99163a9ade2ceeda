"""The C executor: a plan as native functions, compiled by the C compiler of the machine."""
