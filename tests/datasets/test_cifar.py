import hashlib
import io
import tarfile

import numpy as np
import pytest

from dezero.datasets import CIFAR10, CIFAR100, cifar, download
from dezero.datasets.cifar import read_cifar
from dezero.errors import DataError, DownloadError

FOLDER = "cifar-10-batches-bin/"


def records(count, label_bytes, seed, top=10):
    """Images, labels, and the bytes of a file that holds both."""
    generator = np.random.default_rng(seed)
    images = generator.integers(0, 256, (count, 3, 32, 32), dtype=np.uint8)
    labels = generator.integers(0, top, (count, label_bytes), dtype=np.uint8)
    return images, labels, np.concatenate([labels, images.reshape(count, -1)], axis=1).tobytes()


def write_archive(path, members):
    """A tar file from pairs of a name, or a ready TarInfo, and content."""
    with tarfile.open(path, "w:gz", compresslevel=1) as archive:
        for name, content in members:
            info = name if isinstance(name, tarfile.TarInfo) else tarfile.TarInfo(name)
            if info.isreg():
                info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return str(path)


@pytest.fixture
def put(tmp_path, monkeypatch):
    """Puts an archive into an empty cache and lets its checksum be the right one."""
    monkeypatch.setattr(download, "cache_dir", str(tmp_path))

    def put_archive(dataset, members):
        path = write_archive(tmp_path / dataset._archive, members)
        with open(path, "rb") as file:
            checksum = hashlib.sha256(file.read()).hexdigest()
        monkeypatch.setattr(dataset, "_sha256", checksum)
        monkeypatch.setattr(dataset, "_images_per_file", {True: 4, False: 2})

    return put_archive


@pytest.fixture
def ten(put):
    """CIFAR-10 with 5 files of 4 images for training and one of 2 for testing."""
    parts = {f"{FOLDER}data_batch_{i}.bin": records(4, 1, i) for i in range(1, 6)}
    parts[f"{FOLDER}test_batch.bin"] = records(2, 1, 6)
    members = [(name, content) for name, (_, _, content) in reversed(parts.items())]
    put(CIFAR10, [*members, (f"{FOLDER}readme.html", b"hello")])
    return parts


@pytest.fixture
def hundred(put):
    """CIFAR-100 with 4 and 2 images, whose groups are below 20."""
    parts = {"train": records(4, 2, 0, top=20), "test": records(2, 2, 1, top=20)}
    put(CIFAR100, [(f"cifar-100-binary/{name}.bin", part[2]) for name, part in parts.items()])
    return parts


def test_training_files_are_joined_in_the_order_of_their_numbers(ten):
    train = CIFAR10()
    expected = [ten[f"{FOLDER}data_batch_{i}.bin"] for i in range(1, 6)]
    assert np.array_equal(train.data, np.concatenate([images for images, _, _ in expected]))
    assert np.array_equal(train.label, np.concatenate([labels[:, 0] for _, labels, _ in expected]))
    assert train.data.dtype == np.uint8
    assert train.label.dtype == np.int64


def test_the_test_part_is_its_file(ten):
    images, labels, _ = ten[f"{FOLDER}test_batch.bin"]
    test = CIFAR10(train=False)
    assert np.array_equal(test.data, images)
    assert np.array_equal(test.label, labels[:, 0])


def test_default_transform_gives_floats_between_minus_one_and_one(ten):
    x, _ = CIFAR10()[0]
    assert x.dtype == np.float32
    assert x.shape == (3, 32, 32)
    raw = CIFAR10(transform=None)[0][0]
    assert np.allclose(x, raw / 127.5 - 1, atol=1e-6)


def test_fine_and_coarse_labels_are_their_own_columns(hundred):
    images, labels, _ = hundred["train"]
    fine, coarse = CIFAR100(), CIFAR100(label_type="coarse")
    assert np.array_equal(fine.label, labels[:, 1])
    assert np.array_equal(coarse.label, labels[:, 0])
    assert np.array_equal(fine.data, images)
    assert len(CIFAR100(train=False)) == 2


def test_labels_have_names():
    assert len(CIFAR10.labels()) == 10
    assert (CIFAR10.labels()[0], CIFAR10.labels()[9]) == ("airplane", "truck")
    fine, coarse = CIFAR100.labels(), CIFAR100.labels("coarse")
    assert (len(set(fine.values())), len(set(coarse.values()))) == (100, 20)
    # The kinds and the groups are numbered in alphabetical order.
    assert list(fine.values()) == sorted(fine.values())
    assert list(coarse.values()) == sorted(coarse.values())


@pytest.mark.parametrize("make", [CIFAR100, lambda label_type: CIFAR100.labels(label_type)])
def test_other_label_types_are_refused(make):
    with pytest.raises(DataError, match="label_type is 'medium', expected 'fine' or 'coarse'"):
        make(label_type="medium")


def test_labels_outside_the_classes_are_refused(put):
    _, _, content = records(2, 1, 0)
    put(CIFAR10, [(f"{FOLDER}test_batch.bin", b"\x0a" + content[1:])])
    with pytest.raises(DataError, match="a label is 10, expected 0 to 9"):
        CIFAR10(train=False)


def test_show_hands_over_the_images(ten, monkeypatch):
    calls = []
    monkeypatch.setattr(cifar, "show_images", lambda *arguments: calls.append(arguments))
    CIFAR10().show(2, 3)
    assert calls[0][0].shape == (20, 3, 32, 32)
    assert calls[0][1:] == (2, 3)


def test_a_damaged_archive_in_the_cache_is_found(tmp_path, monkeypatch):
    monkeypatch.setattr(download, "cache_dir", str(tmp_path))
    (tmp_path / "cifar-10-binary.tar.gz").write_bytes(b"half")
    with pytest.raises(DownloadError, match="delete it to download it again"):
        CIFAR10()


def link(name, target, size=0):
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.size = tarfile.SYMTYPE, target, size
    return info


@pytest.mark.parametrize(
    "members",
    [
        [],
        [("other.bin", bytes(2 * 3073))],
        [("a.bin", bytes(2 * 3073 - 1))],
        [("a.bin", bytes(3 * 3073))],
        [("../a.bin", bytes(2 * 3073))],
        [("/a.bin", bytes(2 * 3073))],
        [(link("a.bin", "/etc/passwd"), b"")],
        [(link("a.bin", "/etc/passwd", size=2 * 3073), bytes(2 * 3073))],
    ],
)
def test_only_a_file_of_that_name_and_size_counts(tmp_path, members):
    path = write_archive(tmp_path / "x.tar.gz", members)
    with pytest.raises(DataError, match=r"has no file a\.bin with 2 images"):
        read_cifar(path, ["a.bin"], images=2, label_bytes=1)
    assert [entry.name for entry in tmp_path.iterdir()] == ["x.tar.gz"]


@pytest.mark.parametrize("content", [b"", b"hello", b"\x1f\x8b" + bytes(30)])
def test_what_is_no_archive_is_refused(tmp_path, content):
    (tmp_path / "x.tar.gz").write_bytes(content)
    with pytest.raises(DataError, match="cannot be read"):
        read_cifar(str(tmp_path / "x.tar.gz"), ["a.bin"], images=2, label_bytes=1)


def test_an_archive_that_is_cut_off_is_refused(tmp_path):
    path = write_archive(tmp_path / "x.tar.gz", [("a.bin", records(2, 1, 0)[2])])
    (tmp_path / "x.tar.gz").write_bytes((tmp_path / "x.tar.gz").read_bytes()[:3000])
    with pytest.raises(DataError, match="cannot be read"):
        read_cifar(path, ["a.bin"], images=2, label_bytes=1)


def test_an_archive_that_expands_without_end_is_given_up(tmp_path, monkeypatch):
    monkeypatch.setattr(cifar, "_MAX_ARCHIVE_BYTES", 1 << 20)
    path = write_archive(tmp_path / "x.tar.gz", [("zeros", bytes(2 << 20))])
    with pytest.raises(DataError, match="expands to more than 1048576 bytes"):
        read_cifar(path, ["a.bin"], images=2, label_bytes=1)
