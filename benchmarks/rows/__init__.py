"""Every row of the benchmark, in the order of the table."""

from ..row import Row
from . import attention, convolution, gan, graph, mlp, operations, process, recurrent, resnet

ROWS: list[Row] = [
    *operations.ROWS,
    *mlp.ROWS,
    *process.ROWS,
    *graph.ROWS,
    *convolution.ROWS,
    *resnet.ROWS,
    *recurrent.ROWS,
    *attention.ROWS,
    *gan.ROWS,
]
