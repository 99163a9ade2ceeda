import numpy as np
import pytest

from dezero.datasets import Dataset
from dezero.errors import DataError, IndexingError, ShapeError


class Numbers(Dataset):
    def prepare(self):
        self.data = np.arange(10.0).reshape(5, 2)
        self.label = np.arange(5) * 10


class Unlabelled(Dataset):
    def prepare(self):
        self.data = np.arange(4)


class Lists(Dataset):
    def prepare(self):
        self.data = [[0.0, 1.0], [2.0, 3.0]]
        self.label = [7, 8]


class Generated(Dataset):
    def __getitem__(self, index):
        return np.array([index, index]), index % 2

    def __len__(self):
        return 1_000_000


class Doubled:
    """A transform that also works on stacks and remembers that it did."""

    def __init__(self):
        self.stacks = 0

    def __call__(self, x):
        return x * 2

    def batch(self, xs):
        self.stacks += 1
        return xs * 2


def test_items_are_pairs_of_data_and_label():
    x, t = Numbers()[3]
    assert x.tolist() == [6.0, 7.0]
    assert t == 30


def test_length_is_that_of_the_data():
    assert len(Numbers()) == 5


def test_negative_and_numpy_integers_count_as_in_a_list():
    numbers = Numbers()
    assert numbers[-1][1] == 40
    assert numbers[-5][1] == 0
    assert numbers[np.int64(2)][1] == 20
    assert numbers[np.array(2)][1] == 20


@pytest.mark.parametrize("index", [5, -6, 10**12])
def test_index_out_of_range_is_an_index_error_with_the_size(index):
    with pytest.raises(IndexingError, match=rf"Numbers: index {index} is out of range for 5"):
        Numbers()[index]


@pytest.mark.parametrize("index", [slice(0, 2), 1.0, "1", [0, 1], None])
def test_an_index_that_is_not_one_integer_is_refused(index):
    with pytest.raises(IndexingError, match="expected one integer"):
        Numbers()[index]


def test_iteration_ends_after_the_last_item():
    assert [t for _, t in Numbers()] == [0, 10, 20, 30, 40]


def test_transforms_are_applied_to_their_side_only():
    numbers = Numbers(transform=lambda x: x.sum(), target_transform=lambda t: t + 1)
    assert numbers[1] == (5.0, 11)


def test_without_labels_the_target_is_none_and_its_transform_unused():
    unlabelled = Unlabelled(target_transform=lambda t: 1 / 0)
    assert unlabelled[2] == (2, None)


def test_train_is_known_to_prepare():
    class Parts(Dataset):
        def prepare(self):
            self.data = [1, 2, 3] if self.train else [4]

    assert (len(Parts()), len(Parts(train=False))) == (3, 1)


def test_data_that_prepare_did_not_set_is_a_clear_error():
    with pytest.raises(DataError, match=r"set self.data in prepare"):
        len(Dataset())
    with pytest.raises(DataError, match=r"Dataset: no data"):
        Dataset()[0]


def test_data_and_labels_of_different_length_are_refused():
    class Uneven(Dataset):
        def prepare(self):
            self.data, self.label = np.zeros(3), np.zeros(2)

    with pytest.raises(ShapeError, match="data has 3 items and label has 2"):
        Uneven()


def test_overriding_getitem_and_len_needs_no_data():
    generated = Generated()
    assert len(generated) == 1_000_000
    x, t = generated.batch([5, 8])
    assert x.tolist() == [[5, 5], [8, 8]]
    assert t.tolist() == [1, 0]


@pytest.mark.parametrize("dataset", [Numbers, Lists, Unlabelled])
def test_a_batch_is_its_items_stacked(dataset):
    items = dataset()
    x, t = items.batch([1, 0])
    assert np.array_equal(x, np.stack([items[1][0], items[0][0]]))
    if items.label is None:
        assert t is None
    else:
        assert np.array_equal(t, [items[1][1], items[0][1]])


def test_a_transform_with_batch_is_called_once_per_stack():
    doubled = Doubled()
    x, t = Numbers(transform=doubled).batch(np.array([4, 1]))
    assert doubled.stacks == 1
    assert x.tolist() == [[16.0, 18.0], [4.0, 6.0]]
    assert t.tolist() == [40, 10]


def test_a_transform_without_batch_is_called_per_item():
    seen = []
    x, _ = Numbers(transform=lambda item: seen.append(item.shape) or item).batch([0, 1, 2])
    assert seen == [(2,)] * 3
    assert x.shape == (3, 2)


def test_a_batch_of_a_subclass_goes_through_its_own_getitem():
    class Shifted(Numbers):
        def __getitem__(self, index):
            x, t = super().__getitem__(index)
            return x + 100, t

    assert Shifted().batch([0])[0].tolist() == [[100.0, 101.0]]


def test_items_of_different_shapes_cannot_be_stacked():
    class Ragged(Dataset):
        def prepare(self):
            self.data = [np.zeros(2), np.zeros(3)]

    with pytest.raises(ShapeError, match=r"the inputs have the shapes \[\(2,\), \(3,\)\]"):
        Ragged().batch([0, 1])
