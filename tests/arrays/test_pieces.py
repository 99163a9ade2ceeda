import numpy as np
import pytest

from dezero.arrays.pieces import PIECE, in_pieces

RANDOM = np.random.default_rng(0)


def centred(x, shift):
    """What `in_pieces` is for: nothing passes from one place of axis 1 to another."""
    mean = x.sum(axis=(0, 2), keepdims=True)
    return x - mean + shift, mean


@pytest.mark.parametrize("shape", [(2, 3, 4), (4, 7, PIECE // 8), (1, 3, PIECE + 1), (2, 0, 3)])
def test_pieces_give_what_the_whole_gives(shape):
    x, shift = (RANDOM.integers(-9, 9, s) * 1.0 for s in (shape, (1, shape[1], 1)))
    for ours, whole in zip(in_pieces(centred, 1, x, shift), centred(x, shift), strict=True):
        np.testing.assert_array_equal(ours, whole)


def test_no_piece_is_larger_than_it_has_to_be():
    sizes = []
    in_pieces(lambda x: sizes.append(x.size) or x, 0, np.zeros((10, PIECE // 3)))
    assert max(sizes) <= PIECE
    assert sum(sizes) == 10 * (PIECE // 3)


def test_one_result_is_no_tuple_and_keeps_its_dtype():
    x = RANDOM.standard_normal(2 * PIECE + 1)
    y = in_pieces(lambda x: x > 0, 0, x)
    assert y.dtype == bool
    np.testing.assert_array_equal(y, x > 0)
