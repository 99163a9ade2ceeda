import contextlib
import hashlib
import http.server
import os
import subprocess
import sys
import threading

import pytest

from dezero.datasets import download
from dezero.datasets.download import get_file, show_progress
from dezero.errors import DownloadError

CONTENT = bytes(range(256)) * 4096  # 1 MiB
CHECKSUM = hashlib.sha256(CONTENT).hexdigest()


class Handler(http.server.BaseHTTPRequestHandler):
    """Serves CONTENT, well or badly, depending on the path."""

    def do_GET(self):
        path, start = self.path, 0
        self.server.requests.append((path, self.headers.get("Range")))
        if path.startswith("/missing"):
            return self.send_error(404)
        if path.startswith("/redirect"):
            self.send_response(302)
            self.send_header("Location", self.server.redirect_to)
            return self.end_headers()
        asked = self.headers.get("Range")
        if asked and not path.startswith("/whole"):
            start = int(asked.removeprefix("bytes=").removesuffix("-"))
            if start >= len(CONTENT):
                return self.send_error(416)
        self.send_response(206 if start else 200)
        if start:
            first = start + 1 if path.startswith("/shifted") else start
            self.send_header("Content-Range", f"bytes {first}-{len(CONTENT) - 1}/{len(CONTENT)}")
        if not path.startswith("/endless"):
            self.send_header("Content-Length", str(len(CONTENT) - start))
        self.end_headers()
        with contextlib.suppress(ConnectionError):  # the client may have had enough
            self.wfile.write(self.body(path, start))
        self.close_connection = True

    def body(self, path, start):
        if path.startswith("/cut") and not start:
            return CONTENT[: len(CONTENT) // 2]
        if path.startswith("/other"):
            return bytes(len(CONTENT) - start)
        return CONTENT[start:]

    def log_message(self, *args):
        pass


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("no_proxy", "*")
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.requests = []
        server.address = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def cache(tmp_path, monkeypatch):
    folder = tmp_path / "cache"
    monkeypatch.setattr(download, "cache_dir", str(folder))
    return folder


def fetch(url, sha256=CHECKSUM, **options):
    return get_file(url, sha256=sha256, progress=None, **options)


def content(path):
    with open(path, "rb") as file:
        return file.read()


def names(folder):
    return sorted(entry.name for entry in folder.iterdir())


@pytest.mark.parametrize("checksum", [None, CHECKSUM, CHECKSUM.upper()])
def test_a_file_is_downloaded_once(server, cache, checksum):
    path = fetch(f"{server.address}/data.bin", checksum)
    assert path == str(cache / "data.bin")
    assert content(path) == CONTENT
    assert fetch(f"{server.address}/data.bin", checksum) == path
    assert len(server.requests) == 1
    assert names(cache) == ["data.bin"]


def test_the_name_is_the_last_part_of_the_address(server, cache):
    assert fetch(f"{server.address}/a/b%20c.bin?raw=1#top") == str(cache / "b c.bin")
    assert fetch(f"{server.address}/a/b.bin", file_name="mine.bin") == str(cache / "mine.bin")


def test_without_a_length_the_file_ends_with_the_connection(server, cache):
    assert content(fetch(f"{server.address}/endless.bin")) == CONTENT


def test_a_cut_download_leaves_no_file_and_is_continued(server, cache):
    with pytest.raises(DownloadError, match=r"ended after 524288 of 1048576 bytes: check") as info:
        fetch(f"{server.address}/cut.bin")
    assert f"put the file at {cache / 'cut.bin'} by hand" in str(info.value)
    assert names(cache) == ["cut.bin.part"]
    assert content(fetch(f"{server.address}/cut.bin")) == CONTENT
    assert server.requests == [("/cut.bin", None), ("/cut.bin", "bytes=524288-")]
    assert names(cache) == ["cut.bin"]


def test_a_cut_download_without_checksum_is_never_continued(server, cache):
    with pytest.raises(DownloadError, match="ended after"):
        fetch(f"{server.address}/cut.bin", None)
    assert names(cache) == []
    (cache / "data.bin.part").write_bytes(CONTENT[:1000])
    assert content(fetch(f"{server.address}/data.bin", None)) == CONTENT
    assert server.requests[-1] == ("/data.bin", None)


def test_a_server_that_cannot_go_on_sends_the_whole_file(server, cache):
    cache.mkdir()
    (cache / "whole.bin.part").write_bytes(CONTENT[:1000])
    assert content(fetch(f"{server.address}/whole.bin")) == CONTENT
    assert server.requests == [("/whole.bin", "bytes=1000-")]


@pytest.mark.parametrize(
    ("path", "piece", "message"),
    [
        ("/other.bin", b"", "it has SHA-256 [0-9a-f]{64}, expected"),
        ("/data.bin", b"something else", "it has SHA-256 [0-9a-f]{64}, expected"),
        ("/data.bin", CONTENT + b"more", "piece is longer than the whole file"),
        ("/shifted.bin", CONTENT[:1000], "another piece than the one asked for"),
    ],
)
def test_wrong_content_is_thrown_away(server, cache, path, piece, message):
    cache.mkdir()
    if piece:
        (cache / f"{path[1:]}.part").write_bytes(piece)
    with pytest.raises(DownloadError, match=message) as info:
        fetch(server.address + path)
    assert "by hand" in str(info.value)
    assert names(cache) == []


def test_a_file_that_is_too_large_is_refused_before_and_while_it_comes(server, cache):
    with pytest.raises(DownloadError, match="has 1048576 bytes, more than the limit of 1000000"):
        fetch(f"{server.address}/data.bin", max_bytes=1_000_000)
    with pytest.raises(DownloadError, match="has more bytes than the limit of 1000000"):
        fetch(f"{server.address}/endless.bin", max_bytes=1_000_000)
    assert names(cache) == []


def test_a_missing_file_is_told_with_its_status(server, cache):
    with pytest.raises(DownloadError, match="HTTP Error 404: Not Found: check the connection"):
        fetch(f"{server.address}/missing.bin")
    assert names(cache) == []


def test_no_connection_is_a_download_error(cache, monkeypatch):
    monkeypatch.setenv("no_proxy", "*")
    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as closed:
        port = closed.server_address[1]
    with pytest.raises(DownloadError, match=r"cannot download .* or put the file at .* by hand"):
        fetch(f"http://127.0.0.1:{port}/data.bin")
    assert names(cache) == []


def test_download_errors_are_os_errors(server, cache):
    with pytest.raises(OSError, match="404"):
        fetch(f"{server.address}/missing.bin")


def test_redirects_are_followed_on_the_web_only(server, cache, tmp_path):
    server.redirect_to = f"{server.address}/data.bin"
    assert content(fetch(f"{server.address}/redirect.bin")) == CONTENT
    secret = tmp_path / "secret"
    secret.write_bytes(CONTENT)
    server.redirect_to = secret.as_uri()
    with pytest.raises(DownloadError, match="cannot download"):
        fetch(f"{server.address}/redirect2.bin")


def test_a_damaged_file_in_the_cache_is_found(cache):
    cache.mkdir()
    (cache / "data.bin").write_bytes(b"damaged")
    with pytest.raises(DownloadError, match=r"damaged or another file; delete it"):
        fetch("https://example.org/data.bin")


def test_a_file_put_there_by_hand_is_used(cache):
    cache.mkdir()
    (cache / "data.bin").write_bytes(CONTENT)
    assert fetch("https://example.org/data.bin") == str(cache / "data.bin")


@pytest.mark.parametrize(
    "name",
    [
        "..",
        ".",
        "",
        "../x",
        "a/b",
        "a\\b",
        "/etc/passwd",
        "C:x",
        ".hidden",
        "a\0b",
        "a\nb",
        "x" * 201,
    ],
)
def test_names_never_leave_the_cache(cache, name):
    with pytest.raises(DownloadError, match="is not a plain file name"):
        fetch("https://example.org/data.bin", file_name=name)


@pytest.mark.parametrize("end", ["", "/", "/..", "/%2e%2e", "/a%2F..%2F..%2Fb", "/a%5Cb", "/%00"])
def test_names_in_addresses_never_leave_the_cache(cache, end):
    with pytest.raises(DownloadError, match="is not a plain file name"):
        fetch(f"https://example.org{end}")


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://example.org/x", "data.bin", ""])
def test_only_addresses_of_the_web_are_fetched(cache, url):
    with pytest.raises(DownloadError, match="expected one that begins with https://"):
        fetch(url, file_name="x")


def test_a_cache_that_cannot_be_made_is_told(server, tmp_path, monkeypatch):
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.setattr(download, "cache_dir", str(tmp_path / "file" / "cache"))
    with pytest.raises(DownloadError, match="cannot download"):
        fetch(f"{server.address}/data.bin")


def test_ctrl_c_keeps_the_piece_for_the_next_call(server, cache):
    def interrupt(done, size, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        get_file(f"{server.address}/data.bin", sha256=CHECKSUM, progress=interrupt)
    assert names(cache) == ["data.bin.part"]
    assert content(fetch(f"{server.address}/data.bin")) == CONTENT
    assert server.requests[1][1] is not None


def test_progress_reaches_the_end(server, cache):
    calls = []
    get_file(f"{server.address}/data.bin", progress=lambda *numbers: calls.append(numbers))
    assert calls[-1] == (len(CONTENT), 1, len(CONTENT))
    assert [done for done, _, _ in calls] == sorted(done for done, _, _ in calls)


class Terminal:
    def __init__(self, is_terminal):
        self.is_terminal, self.text = is_terminal, ""

    def isatty(self):
        return self.is_terminal

    def write(self, text):
        self.text += text

    def flush(self):
        pass


def test_progress_is_a_bar_on_a_terminal(monkeypatch):
    terminal = Terminal(True)
    monkeypatch.setattr(sys, "stderr", terminal)
    show_progress(1, 50, 200)
    assert terminal.text == "\r[" + "#" * 7 + "." * 23 + "]  25.0 %"
    terminal.text = ""
    show_progress(5, 50, 200)  # the last block is rarely full
    assert terminal.text == "\r[" + "#" * 30 + "] 100.0 %\n"
    terminal.text = ""
    show_progress(3, 1_000_000, -1)
    assert terminal.text == "\r3.0 MB"


def test_progress_is_one_line_where_nobody_watches(monkeypatch):
    terminal = Terminal(False)
    monkeypatch.setattr(sys, "stderr", terminal)
    for block in range(1, 5):
        show_progress(block, 50, 200)
    assert terminal.text == "\r[" + "#" * 30 + "] 100.0 %\n"


@pytest.mark.parametrize("chosen", [None, "elsewhere"])
def test_the_cache_is_in_the_home_folder_or_where_the_environment_says(tmp_path, chosen):
    environment = {**os.environ, "HOME": str(tmp_path), "USERPROFILE": str(tmp_path)}
    environment.pop("DEZERO_CACHE", None)
    expected = tmp_path / ".dezero"
    if chosen is not None:
        expected = tmp_path / chosen
        environment["DEZERO_CACHE"] = str(expected)
    program = "from dezero.datasets.download import cache_dir; print(cache_dir)"
    output = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
    )
    assert output.stdout.strip() == str(expected)
    assert not expected.exists()
