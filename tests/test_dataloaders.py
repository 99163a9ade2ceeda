import copy
import sys
import types

import numpy as np
import pytest

from dezero.dataloaders import DataLoader, SeqDataLoader
from dezero.datasets import Dataset, Digits
from dezero.errors import DTypeError, MissingDependencyError, ShapeError, StateError


class Numbers(Dataset):
    """x is (i, i), t is 10 i."""

    def prepare(self):
        self.data = np.repeat(np.arange(10.0), 2).reshape(10, 2)
        self.label = np.arange(10) * 10


class Unlabelled(Dataset):
    def prepare(self):
        self.data = np.arange(7.0)


PAIRS = [(float(i), i) for i in range(10)]


def order(loader):
    """The labels of one loop, batch by batch."""
    return [t.tolist() for _, t in loader]


def flat(batches):
    return [label for batch in batches for label in batch]


def test_without_shuffling_batches_come_in_order_and_the_last_is_short():
    batches = list(DataLoader(Numbers(), 4, shuffle=False))
    assert [x.shape for x, _ in batches] == [(4, 2), (4, 2), (2, 2)]
    assert [t.tolist() for _, t in batches] == [[0, 10, 20, 30], [40, 50, 60, 70], [80, 90]]


def test_inputs_stay_with_their_labels():
    for x, t in DataLoader(Numbers(), 3):
        assert np.array_equal(x[:, 0] * 10, t)


def test_shuffled_epochs_hold_every_item_once_and_differ():
    np.random.seed(0)
    loader = DataLoader(PAIRS, 3)
    first, second = flat(order(loader)), flat(order(loader))
    assert sorted(first) == sorted(second) == list(range(10))
    assert first != second


def test_the_global_generator_is_asked_at_each_reset_only():
    np.random.seed(7)
    expected = [np.random.permutation(10).tolist() for _ in range(3)]
    after = np.random.rand()
    np.random.seed(7)
    loader = DataLoader(PAIRS, 4)
    epochs = [flat(order(loader)) for _ in range(2)]
    assert epochs == expected[:2]
    assert loader.index.tolist() == expected[2]
    assert np.random.rand() == after


def test_a_seed_fixes_the_order_and_leaves_the_global_generator_alone():
    np.random.seed(1)
    first = DataLoader(PAIRS, 4, seed=3)
    epochs = [order(first), order(first)]
    assert epochs[0] != epochs[1]
    np.random.seed(2)
    expected = np.random.rand()
    np.random.seed(2)
    second = DataLoader(PAIRS, 4, seed=3)
    assert [order(second), order(second)] == epochs
    assert np.random.rand() == expected
    assert order(DataLoader(PAIRS, 4, seed=4)) != epochs[0]


@pytest.mark.parametrize(
    ("size", "drop_last", "batches"), [(5, False, 2), (4, False, 3), (4, True, 2), (11, True, 0)]
)
def test_length_is_the_number_of_batches(size, drop_last, batches):
    loader = DataLoader(PAIRS, size, drop_last=drop_last)
    assert len(loader) == loader.max_iter == len(list(loader)) == batches


def test_drop_last_gives_whole_batches_only():
    assert [t.shape for _, t in DataLoader(PAIRS, 4, drop_last=True)] == [(4,), (4,)]


def test_an_empty_dataset_gives_no_batches():
    assert list(DataLoader([], 2)) == []


def test_a_loop_after_break_is_a_whole_new_epoch():
    loader = DataLoader(PAIRS, 3, shuffle=False)
    for _, t in loader:
        if 3 in t:
            break
    assert order(loader) == [[0, 1, 2], [3, 4, 5], [6, 7, 8], [9]]


def test_next_walks_through_the_epoch_and_begins_again():
    loader = DataLoader(PAIRS, 4, shuffle=False)
    seen = [next(loader)[1].tolist(), loader.next()[1].tolist(), next(loader)[1].tolist()]
    assert seen == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]
    with pytest.raises(StopIteration):
        next(loader)
    assert next(loader)[1].tolist() == [0, 1, 2, 3]


def test_an_iterator_that_was_begun_can_be_continued_by_a_loop():
    iterator = iter(DataLoader(PAIRS, 4, shuffle=False))
    next(iterator)
    assert [t.tolist() for _, t in iterator] == [[4, 5, 6, 7], [8, 9]]


def test_a_loop_inside_a_loop_leaves_the_outer_one_alone():
    loader = DataLoader(PAIRS, 5, seed=0)
    outer = []
    for _, t in loader:
        outer += t.tolist()
        assert sorted(flat(order(loader))) == list(range(10))
    assert sorted(outer) == list(range(10))


def test_after_a_loop_inside_a_loop_the_state_is_that_of_the_outer_one():
    loader = DataLoader(PAIRS, 5, seed=0)
    iterator = iter(loader)
    first = next(iterator)[1].tolist()
    order(loader)
    second = next(iterator)[1].tolist()
    state = loader.state_dict()
    assert state["index"].tolist() == first + second
    assert state["iteration"] == 2


def test_reset_begins_a_new_epoch():
    loader = DataLoader(PAIRS, 4, shuffle=False)
    next(loader)
    loader.reset()
    assert next(loader)[1].tolist() == [0, 1, 2, 3]


def test_datasets_without_labels_give_none():
    batches = list(DataLoader(Unlabelled(), 4, shuffle=False))
    assert [x.tolist() for x, _ in batches] == [[0, 1, 2, 3], [4, 5, 6]]
    assert all(t is None for _, t in batches)


def test_batches_of_stacks_equal_batches_of_items():
    items = [Digits()[i] for i in range(1437)]
    for (x, t), (item_x, item_t) in zip(
        DataLoader(Digits(), 300, seed=5), DataLoader(items, 300, seed=5), strict=True
    ):
        assert x.dtype == item_x.dtype == np.float32
        assert t.dtype == item_t.dtype == np.int64
        assert np.array_equal(x, item_x)
        assert np.array_equal(t, item_t)


@pytest.mark.parametrize("seed", [None, 11])
@pytest.mark.parametrize("taken", [0, 1, 2, 3])
def test_a_restored_loader_gives_the_same_batches(seed, taken):
    np.random.seed(0)
    loader = DataLoader(PAIRS, 4, seed=seed)
    order(loader)
    iterator = iter(loader)
    for _ in range(taken):
        next(iterator)
    state, generator = copy.deepcopy(loader.state_dict()), np.random.get_state()
    expected = [[t.tolist() for _, t in iterator], order(loader), order(loader)]

    restored = DataLoader(PAIRS, 4, seed=seed)
    restored.load_state_dict(state)
    np.random.set_state(generator)
    assert [order(restored), order(restored), order(restored)] == expected


def test_the_state_does_not_change_with_the_loader():
    loader = DataLoader(PAIRS, 4, seed=0)
    state = loader.state_dict()
    before = state["index"].copy()
    order(loader)
    assert np.array_equal(state["index"], before)
    assert state["iteration"] == 0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"batch_size": 5}, "state has batch_size 5, this loader 4"),
        ({"seed": 1}, "state has seed 1, this loader 0"),
        ({"index": np.arange(9)}, "order of 9 items is not an order of this dataset's 10"),
        ({"index": np.zeros(10, dtype=int)}, "is not an order"),
        ({"index": np.arange(10) + 1}, "is not an order"),
        ({"iteration": 4}, "at batch 4 of epoch 0, this loader has 3 batches"),
        ({"iteration": -1}, "at batch -1"),
        ({"epoch": -2}, "of epoch -2"),
    ],
)
def test_a_state_that_does_not_fit_is_refused_and_changes_nothing(change, message):
    loader = DataLoader(PAIRS, 4, seed=0)
    before = loader.state_dict()
    with pytest.raises(StateError, match=message):
        loader.load_state_dict({**before, **change})
    after = loader.state_dict()
    assert np.array_equal(before.pop("index"), after.pop("index"))
    assert before == after


def test_a_state_with_something_missing_is_refused():
    with pytest.raises(StateError, match=r"no \['epoch', 'index', 'seed'\]"):
        DataLoader(PAIRS, 4).load_state_dict({"iteration": 0, "batch_size": 4})


@pytest.mark.parametrize("loader", [DataLoader, SeqDataLoader])
def test_bad_batch_sizes_are_refused(loader):
    with pytest.raises(ShapeError, match="batch_size is 0, expected at least 1"):
        loader(PAIRS, 0)
    with pytest.raises(DTypeError, match=r"batch_size is 2\.5, expected an integer"):
        loader(PAIRS, 2.5)


def test_streams_do_not_overlap_and_cover_all_but_the_rest():
    steps = order(SeqDataLoader(PAIRS, 3))
    assert steps == [[0, 3, 6], [1, 4, 7], [2, 5, 8]]


def test_streams_of_a_whole_number_cover_everything():
    assert sorted(flat(order(SeqDataLoader(PAIRS, 5)))) == list(range(10))


def test_streams_have_a_length_and_begin_again_each_loop():
    loader = SeqDataLoader(Numbers(), 2)
    assert len(loader) == 5
    assert order(loader) == order(loader)


def test_streams_can_be_restored():
    loader = SeqDataLoader(PAIRS, 3)
    next(loader)
    restored = SeqDataLoader(PAIRS, 3)
    restored.load_state_dict(loader.state_dict())
    assert order(restored) == [[1, 4, 7], [2, 5, 8]]


def test_more_streams_than_items_are_refused():
    with pytest.raises(ShapeError, match="batch_size is 11 and the dataset has 10 items"):
        SeqDataLoader(PAIRS, 11)


def test_without_cupy_the_gpu_is_refused(monkeypatch):
    monkeypatch.setitem(sys.modules, "cupy", None)
    with pytest.raises(MissingDependencyError, match="needs CuPy"):
        DataLoader(PAIRS, 2, gpu=True)
    loader = DataLoader(PAIRS, 2)
    with pytest.raises(MissingDependencyError, match="needs CuPy"):
        loader.to_gpu()
    assert loader.gpu is False


class DeviceArray:
    """Stands for an array on a GPU."""

    def __init__(self, array):
        self.array = array


def test_with_cupy_batches_are_its_arrays(monkeypatch):
    monkeypatch.setitem(sys.modules, "cupy", types.SimpleNamespace(asarray=DeviceArray))
    loader = DataLoader(PAIRS, 5, shuffle=False)
    loader.to_gpu()
    x, t = next(loader)
    assert isinstance(x, DeviceArray)
    assert t.array.tolist() == [0, 1, 2, 3, 4]
    assert next(SeqDataLoader(Unlabelled(), 2, gpu=True))[1] is None
    loader.to_cpu()
    assert isinstance(next(loader)[0], np.ndarray)
