import subprocess
import sys
import threading

import numpy as np
import pytest
from scipy import stats

import dezero
from dezero.arrays import random
from dezero.errors import StateError

# the first outputs of SplitMix64, as published, from the states 1234567 and 0
PUBLISHED = {
    1234567: [
        6457827717110365317,
        3203168211198807973,
        9817491932198370423,
        4593380528125082431,
        16408922859458223821,
    ],
    0: [0xE220A8397B1DCDAF, 0x6E789E6AA1B965F4, 0x06C45D188009454F],
}


@pytest.fixture(autouse=True)
def same_stream():
    dezero.random.seed(0)


def spelled_out(key, place):
    """SplitMix64's output number `place`, in Python's integers."""
    z = (key + (place + 1) * 0x9E3779B97F4A7C15) % 2**64
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9 % 2**64
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB % 2**64
    return z ^ (z >> 31)


@pytest.mark.parametrize("key", PUBLISHED)
def test_known_answers(key):
    random.set_state((key, 0))
    assert random.words(len(PUBLISHED[key])).tolist() == PUBLISHED[key]


@pytest.mark.parametrize(
    "place", [0, 1, 2**32 - 1, 2**63 - 1, 2**64 - 2], ids=["0", "1", "2^32", "2^63", "2^64"]
)
def test_every_place_of_the_stream_can_be_read(place):
    random.set_state((99, place))
    expected = [spelled_out(99, place + i) for i in range(3)]
    assert random.words(3).tolist() == expected
    assert random.get_state() == (99, (place + 3) % 2**64)


def test_pieces_make_the_whole():
    whole = random.words(10)
    random.seed(0)
    pieces = [random.words(n) for n in (3, 0, 6, 1)]
    np.testing.assert_array_equal(np.concatenate(pieces), whole)


def test_halves_are_the_low_then_the_high_bits():
    key, _ = random.get_state()
    words = [spelled_out(key, i) for i in range(2)]
    low_high = [half for w in words for half in (w % 2**32, w >> 32)]
    assert random.halves(3).tolist() == low_high[:3]
    assert random.get_state() == (key, 2)


@pytest.mark.parametrize(
    ("dtype", "bits", "from_words"), [(np.float64, 53, 1), (np.float32, 24, 0), (np.float16, 11, 0)]
)
def test_uniform_numbers_are_the_top_bits(dtype, bits, from_words):
    state = random.get_state()
    drawn = random.words(6) if from_words else random.halves(6)
    random.set_state(state)
    x = random.uniform((2, 3), dtype)
    assert x.dtype == dtype
    expected = [(int(w) >> (drawn.itemsize * 8 - bits)) / 2**bits for w in drawn]
    assert x.ravel().tolist() == expected


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_uniform_numbers_are_uniform(dtype):
    x = random.uniform((100_000,), dtype)
    assert x.min() >= 0
    assert x.max() < 1
    assert stats.kstest(x, "uniform").pvalue > 0.01
    pairs, *_ = np.histogram2d(x[::2], x[1::2], bins=16, range=[[0, 1], [0, 1]])
    assert stats.chisquare(pairs.ravel()).pvalue > 0.01


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.float16])
def test_normal_numbers_are_normal(dtype):
    x = random.normal((50_001,), dtype)
    assert x.dtype == dtype
    assert x.shape == (50_001,)
    if dtype != np.float16:  # too coarse for a test of continuous numbers
        assert stats.kstest(x, "norm").pvalue > 0.01
    assert abs(np.corrcoef(x[:25_000].astype(float), x[25_000:50_000].astype(float))[0, 1]) < 0.02
    assert abs(np.mean(x.astype(float) ** 4) - 3) < 0.2


def test_every_bit_is_balanced():
    words = random.words(100_000)
    ones = [(words >> np.uint64(i) & np.uint64(1)).mean() for i in range(64)]
    assert max(abs(np.array(ones) - 0.5)) < 5 * 0.5 / 100_000**0.5


def test_neighbouring_seeds_give_unrelated_streams():
    drawn = []
    for n in range(8):
        random.seed(n)
        drawn.append(random.uniform((20_000,)))
    correlations = np.corrcoef(drawn) - np.eye(8)
    assert np.abs(correlations).max() < 0.03
    assert len(np.unique(np.concatenate(drawn))) == 8 * 20_000


def test_a_state_goes_on_where_it_was_taken():
    random.uniform((7,), np.float32)
    state = dezero.random.get_state()
    expected = random.normal((5,))
    random.uniform((100,))
    dezero.random.set_state(state)
    np.testing.assert_array_equal(random.normal((5,)), expected)


def test_the_stream_of_an_unseeded_program_is_that_of_seed_0():
    code = "import dezero; print(dezero.random.get_state())"
    fresh = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout
    assert fresh.strip() == str(random.get_state())


def test_numpys_generator_is_left_alone():
    before = np.random.get_state()[1].tolist()
    random.normal((10,))
    assert np.random.get_state()[1].tolist() == before


def test_threads_never_draw_the_same_numbers():
    drawn = []
    threads = [
        threading.Thread(target=lambda: drawn.extend([random.words(10) for _ in range(200)]))
        for _ in range(4)
    ]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert len(np.unique(np.concatenate(drawn))) == 4 * 200 * 10
    assert random.get_state()[1] == 4 * 200 * 10


@pytest.mark.parametrize("n", [1.5, "1", None, True])
def test_a_seed_that_is_no_integer_is_refused(n):
    with pytest.raises(StateError, match="seed must be an integer"):
        dezero.random.seed(n)


def test_seeds_of_any_size_and_numpys_integers_work():
    for n in (-1, 2**200, np.int32(3)):
        dezero.random.seed(n)
        assert 0 <= random.uniform(()) < 1


@pytest.mark.parametrize("state", [None, (1,), (1, 2, 3), (1, -1), (2**64, 0), ("1", 2), 5])
def test_a_damaged_state_is_refused(state):
    before = random.get_state()
    with pytest.raises(StateError):
        dezero.random.set_state(state)
    assert random.get_state() == before


@pytest.mark.parametrize("ratio", [0.0, 0.1, 0.5, 0.9])
def test_dropout_mask_drops_as_often_as_asked(ratio):
    x = np.zeros((100, 1000), np.float32)
    mask = random.dropout_mask(x, ratio)
    assert mask.shape == x.shape
    assert mask.dtype == np.float32
    assert set(np.unique(mask)) <= {np.float32(0), np.float32(1 / (1 - ratio))}
    assert abs((mask == 0).mean() - ratio) < 5 * 0.5 / x.size**0.5


def test_dropout_mask_is_the_32_bit_numbers_against_the_ratio():
    state = random.get_state()
    expected = random.halves(5) >= 0.3 * 2**32
    random.set_state(state)
    np.testing.assert_array_equal(random.dropout_mask(np.ones(5), 0.3) != 0, expected)
