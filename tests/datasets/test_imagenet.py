import pytest

from dezero.datasets import ImageNet, download
from dezero.errors import DataError

FILE = "imagenet1000_clsidx_to_labels.txt"


@pytest.fixture
def put(tmp_path, monkeypatch):
    monkeypatch.setattr(download, "cache_dir", str(tmp_path))
    return (tmp_path / FILE).write_bytes


def table(names):
    """As the real file is laid out: one name a line, within braces."""
    return ("{" + ",\n ".join(f"{i}: {name!r}" for i, name in enumerate(names)) + "}").encode()


def test_labels_are_read_as_a_table(put):
    names = [f"kind {i}, the {i}th's" for i in range(1000)]
    put(table(names) + b"\n")
    labels = ImageNet.labels()
    assert list(labels.values()) == names
    assert labels[999] == "kind 999, the 999th's"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<html>",
        b"{0: 'a'}",
        table(["x"] * 1001),
        table([1] * 1000),
        table(["x"] * 1001).replace(b"{0: 'x',", b"{"),
        b"[1, 2]",
        b"{}",
        b"{[]: 1}",
        b"\xff\xfe",
        b"__import__('os').system('true')",
        b"{i: 'x' for i in range(1000)}",
        b"(" * 50_000,
        b"-" * 50_000 + b"1",
        b" " * (1 << 17) + table(["x"] * 1000),
    ],
    ids=range(15),
)
def test_anything_else_is_refused_and_never_run(put, content):
    put(content)
    with pytest.raises(DataError, match="is not a table of 1000 names: delete it"):
        ImageNet.labels()
