"""Every row of the benchmark, in the order of the table."""

from ..row import Row
from . import (
    attention,
    convolution,
    gan,
    graph,
    mlp,
    newton,
    operations,
    process,
    products,
    recurrent,
    resnet,
    startup,
    vae,
)

ROWS: list[Row] = [
    *operations.ROWS,
    *newton.ROWS,
    *products.ROWS,
    *mlp.ROWS,
    *process.ROWS,
    *graph.ROWS,
    *convolution.ROWS,
    *resnet.ROWS,
    *recurrent.ROWS,
    *attention.ROWS,
    *gan.ROWS,
    *vae.ROWS,
    *startup.ROWS,
]
