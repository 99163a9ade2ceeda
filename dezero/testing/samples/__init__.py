"""The samples of the ops, one module for each family of `dezero.functions`."""
