from importlib import resources

import numpy as np
import pytest

from dezero.datasets import Digits

# How often each digit occurs in optdigits.tes, as the UCI repository's description says.
PUBLISHED_COUNTS = [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]


@pytest.fixture(scope="module")
def parts():
    return Digits(train=True), Digits(train=False)


def test_sizes_of_both_parts(parts):
    train, test = parts
    assert (len(train), len(test)) == (1437, 360)


def test_all_digits_of_the_source_are_there(parts):
    labels = np.concatenate([part.label for part in parts])
    assert np.bincount(labels).tolist() == PUBLISHED_COUNTS


def test_no_image_is_in_both_parts(parts):
    train, test = ({image.tobytes() for image in part.images} for part in parts)
    assert len(train) + len(test) == 1797
    assert not train & test


def test_every_class_gives_a_fifth_to_the_test_part(parts):
    _, test = parts
    for count, total in zip(np.bincount(test.label), PUBLISHED_COUNTS, strict=True):
        assert abs(count - total / 5) < 1


def test_the_split_is_the_one_that_is_documented(parts):
    file = resources.files("dezero.datasets") / "data" / "digits.npz"
    with file.open("rb") as stream:
        archive = np.load(stream)
        images, labels = archive["images"], archive["labels"]
    mixed = np.random.RandomState(1998).permutation(1797).tolist()
    in_test = set(sorted(mixed, key=lambda place: labels[place])[::5])
    for part, places in zip(parts, (set(range(1797)) - in_test, in_test), strict=True):
        assert np.array_equal(part.images, images[sorted(places)])
        assert np.array_equal(part.label, labels[sorted(places)])


def test_the_data_are_those_of_scikit_learn(parts):
    source = pytest.importorskip("sklearn.datasets").load_digits()
    label_of = {
        image.astype(np.uint8).tobytes(): label
        for image, label in zip(source.images, source.target, strict=True)
    }
    ours = {
        image.tobytes(): label
        for part in parts
        for image, label in zip(part.images, part.label, strict=True)
    }
    assert ours == label_of


def test_default_transform_is_a_row_between_zero_and_one(parts):
    train, _ = parts
    x, t = train[0]
    assert x.shape == (64,)
    assert x.dtype == np.float32
    assert np.array_equal(x * 16, train.images[0].ravel())
    assert isinstance(t, np.int64)
    values, _ = train.batch(np.arange(len(train)))
    assert (values.min(), values.max()) == (0.0, 1.0)


def test_without_transform_images_keep_their_shape():
    digits = Digits(transform=None)
    x, _ = digits[5]
    assert x.shape == (1, 8, 8)
    assert x.dtype == np.uint8
    assert digits.images.shape == (1437, 8, 8)


def test_a_stack_equals_its_items(parts):
    train, _ = parts
    x, t = train.batch([3, 1, 4])
    assert np.array_equal(x, np.stack([train[i][0] for i in (3, 1, 4)]))
    assert t.tolist() == [train[i][1] for i in (3, 1, 4)]


def test_the_global_generator_is_neither_read_nor_moved():
    np.random.seed(3)
    expected = np.random.rand()
    np.random.seed(3)
    first = Digits()
    assert np.random.rand() == expected
    np.random.seed(4)
    assert np.array_equal(first.label, Digits().label)


def test_labels_name_the_digits():
    assert Digits.labels() == {i: str(i) for i in range(10)}


def test_source_and_licence_lie_beside_the_data():
    text = (resources.files("dezero.datasets") / "data" / "digits.txt").read_text("utf-8")
    assert "CC BY 4.0" in text
    assert "https://doi.org/10.24432/C50P49" in text


def test_a_linear_classifier_learns_them(parts):
    # Least squares on one-hot labels is known to do better than 9 in 10 on this set.
    (x, t), (x_test, t_test) = (part.batch(np.arange(len(part))) for part in parts)
    weights = np.linalg.lstsq(np.c_[x, np.ones(len(x))], np.eye(10)[t], rcond=None)[0]
    predicted = np.argmax(np.c_[x_test, np.ones(len(x_test))] @ weights, axis=1)
    assert np.mean(predicted == t_test) > 0.9
