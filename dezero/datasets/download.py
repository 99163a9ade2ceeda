"""Files from the web, fetched once, verified, and kept in the cache folder.

The modules of the network are imported where they are used: they take longer to load than
the rest of the package.
"""

from __future__ import annotations

import contextlib
import os
import re
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, BinaryIO

from ..errors import DownloadError

if TYPE_CHECKING:
    from http.client import HTTPResponse

cache_dir = os.path.abspath(
    os.path.expanduser(os.environ.get("DEZERO_CACHE") or os.path.join("~", ".dezero"))
)
"""Where files are kept: the environment variable DEZERO_CACHE, else `~/.dezero`."""

Progress = Callable[[int, int, int], object]

_CHUNK_BYTES = 1 << 18
_TIMEOUT_SECONDS = 30.0  # without any byte
_BAR_WIDTH = 30


def cache_path(name: str) -> str:
    """Where the cache keeps, or would keep, the file `name`."""
    return os.path.join(cache_dir, name)


def show_progress(block_num: int, block_size: int, total_size: int) -> None:
    """Write how much of a download is there to standard error, as a line that moves.

    The arguments are those of a `reporthook` of `urllib.request.urlretrieve`. Where standard
    error is not a terminal, only the end is written.

    Args:
        block_num: Number of blocks that have come.
        block_size: Bytes in a block.
        total_size: Bytes in the whole file; 0 or less where the server does not say.
    """
    done = block_num * block_size
    finished = 0 < total_size <= done
    if not finished and not sys.stderr.isatty():
        return
    if total_size > 0:
        part = min(done / total_size, 1.0)
        bar = ("#" * int(part * _BAR_WIDTH)).ljust(_BAR_WIDTH, ".")
        sys.stderr.write(f"\r[{bar}] {100 * part:5.1f} %" + "\n" * finished)
    else:
        sys.stderr.write(f"\r{done / 1e6:.1f} MB")
    sys.stderr.flush()


def get_file(
    url: str,
    file_name: str | None = None,
    sha256: str | None = None,
    *,
    max_bytes: int = 1 << 30,
    progress: Progress | None = show_progress,
) -> str:
    """The path of the file that `url` names, downloaded into `cache_dir` unless it is there.

    The file appears under its name only when it is complete and its checksum is right. Where
    the checksum is known, a download that was cut off is continued by the next call.

    Args:
        url: An `http://` or `https://` address.
        file_name: The name in the cache; the last part of the address if None.
        sha256: The checksum that the file must have, as 64 hexadecimal digits. A file that is
            in the cache already is checked as well.
        max_bytes: Refuse anything larger, in bytes.
        progress: Called as `progress(bytes_that_came, 1, bytes_in_all)` for each piece;
            `bytes_in_all` is 0 where the server does not say. None for silence.

    Returns:
        The absolute path of the file.

    Raises:
        DownloadError: No connection, an answer that is not the file, a file that is cut off,
            too large or has another checksum, or a name that is not one plain file name.
            The message says where to put the file by hand.
    """
    name = _plain_name(_last_part(url) if file_name is None else file_name, url)
    path = cache_path(name)
    if not os.path.isfile(path):
        _download(url, path, sha256, max_bytes, progress)
    elif sha256 is not None and _sha256_of(path) != sha256.lower():
        raise DownloadError(
            f"get_file: {path} has SHA-256 {_sha256_of(path)}, expected {sha256}: "
            "it is damaged or another file; delete it to download it again"
        )
    return path


def _download(
    url: str, path: str, sha256: str | None, max_bytes: int, progress: Progress | None
) -> None:
    """Fetch `url` to `path`, which appears only once it is verified."""
    left_over = f"{path}.part"
    temporary = f"{path}.{os.getpid()}-{os.urandom(4).hex()}.part"
    by_hand = f"or put the file at {path} by hand"
    try:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        if sha256 is not None:  # without it, nothing tells whether two pieces are of one file
            with contextlib.suppress(FileNotFoundError):
                # Renamed first, so that two programs never write into the same file.
                os.replace(left_over, temporary)
        _fetch(url, temporary, max_bytes, progress)
        found = _sha256_of(temporary)
        if sha256 is not None and found != sha256.lower():
            raise _Refused(f"it has SHA-256 {found}, expected {sha256}")
        os.replace(temporary, path)
    except _Refused as error:
        _remove(temporary)
        raise DownloadError(
            f"get_file: what came from {url} is not the file: {error}: try again later, {by_hand}"
        ) from None
    except BaseException as error:  # Ctrl-C too leaves its piece for the next call
        with contextlib.suppress(OSError):
            if sha256 is None or os.path.getsize(temporary) == 0:
                os.remove(temporary)
            else:
                os.replace(temporary, left_over)
        if not _is_of_the_network(error):
            raise
        raise DownloadError(
            f"get_file: cannot download {url}: {error}: check the connection and try again, "
            f"{by_hand}"
        ) from error


class _Refused(Exception):
    """What the server sends cannot become the file."""


def _fetch(url: str, temporary: str, max_bytes: int, progress: Progress | None) -> None:
    """Write the body of `url` to `temporary`, after what is there if the server can go on."""
    with open(temporary, "ab") as file:
        with _opened(url, start=file.tell()) as response:
            if response.status != 206:  # the server sends all of it
                file.seek(0)
                file.truncate()
            _copy(response, file, max_bytes, progress)
        file.flush()
        os.fsync(file.fileno())


def _opened(url: str, start: int) -> HTTPResponse:
    """The answer to a request for the bytes of `url` from `start` on."""
    from urllib.error import HTTPError
    from urllib.request import Request, urlopen

    headers = {"Range": f"bytes={start}-"} if start else {}
    try:
        response = urlopen(Request(url, headers=headers), timeout=_TIMEOUT_SECONDS)
    except HTTPError as error:
        error.close()
        if error.code == 416:
            raise _Refused("an earlier piece is longer than the whole file") from None
        raise
    problem = None
    if url.lower().startswith("https:") and not response.url.startswith("https:"):
        problem = f"the server redirects to {response.url}, which is not encrypted"
    elif response.status == 206 and not _begins_at(start, response.headers.get("Content-Range")):
        problem = "the server sent another piece than the one asked for"
    if problem is not None:
        response.close()
        raise _Refused(problem)
    return response


def _begins_at(start: int, content_range: str | None) -> bool:
    """Whether a Content-Range header says that the body begins with byte `start`."""
    return content_range is not None and content_range.startswith(f"bytes {start}-")


def _copy(
    response: HTTPResponse, file: BinaryIO, max_bytes: int, progress: Progress | None
) -> None:
    """Write the body of `response` to the end of `file`, which must not pass `max_bytes`."""
    done = file.tell()
    total = None if response.length is None else done + response.length
    if total is not None and total > max_bytes:
        raise _Refused(f"it has {total} bytes, more than the limit of {max_bytes}")
    while chunk := response.read(_CHUNK_BYTES):
        done += len(chunk)
        if done > max_bytes:
            raise _Refused(f"it has more bytes than the limit of {max_bytes}")
        file.write(chunk)
        if progress is not None:
            progress(done, 1, total or 0)
    if total is not None and done != total:
        raise EOFError(f"the connection ended after {done} of {total} bytes")


def _is_of_the_network(error: BaseException) -> bool:
    """Whether `error` is a failure of the network, the server or the disk."""
    from http.client import HTTPException

    return isinstance(error, OSError | EOFError | HTTPException)


def _last_part(url: str) -> str:
    """The file name at the end of an address."""
    from urllib.parse import unquote, urlsplit

    return unquote(urlsplit(url).path.rpartition("/")[2])


def _plain_name(name: str, url: str) -> str:
    """`name`, if it names a file in the cache folder and nothing else, and `url` is of the web."""
    if not url.lower().startswith(("http://", "https://")):
        raise DownloadError(
            f"get_file: the address is {url!r}, expected one that begins with https:// or http://"
        )
    if len(name) > 200 or not re.fullmatch(r"\w[\w.+\- ]*", name):
        raise DownloadError(
            f"get_file: {name!r} is not a plain file name: pass file_name='...' with letters, "
            "digits, '.', '_', '+', '-' only"
        )
    return name


def _sha256_of(path: str) -> str:
    """The SHA-256 checksum of a file, in hexadecimal."""
    import hashlib

    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _remove(path: str) -> None:
    """Remove a file if it is there."""
    with contextlib.suppress(OSError):
        os.remove(path)
