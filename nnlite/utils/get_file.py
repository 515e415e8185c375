"""Files fetched once over https, checked, and kept in Keras's cache folder."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO

_BLOCK = 1 << 20
_TIMEOUT = 30.0
_DIGITS = {"md5": 32, "sha256": 64}


def keras_home() -> str:
    """Return Keras's own folder: the environment variable ``KERAS_HOME``, or ``~/.keras`` where it is not set."""
    return os.path.expanduser(os.environ.get("KERAS_HOME") or os.path.join("~", ".keras"))


def get_file(
    fname: str | os.PathLike[str] | None = None,
    origin: str | None = None,
    untar: bool = False,
    md5_hash: str | None = None,
    file_hash: str | None = None,
    cache_subdir: str = "datasets",
    hash_algorithm: str = "auto",
    extract: bool = False,
    archive_format: str | None = "auto",
    cache_dir: str | os.PathLike[str] | None = None,
    force_download: bool = False,
) -> str:
    """Return the path of a file of the cache, downloaded from ``origin`` if it is not there yet.

    The path is ``<cache_dir>/<cache_subdir>/<fname>``. A file that is there is taken as it is, or, where a hash is
    given, if it has that hash; otherwise it is downloaded and replaced.

    A download goes to a file beside the target and is renamed when it is whole and its hash is right: the target is
    never half a file. With a hash, a broken download is continued by the next call (HTTP ``Range``); without one
    nothing could tell whether the two halves belong together, so it starts again. Processes that want a file of the
    same folder at the same time wait for each other (where the system has ``flock``). On a terminal a bar shows the
    progress; elsewhere stdout gets one line.

    Args:
        fname: Name of the file in the cache, without folders. None: the last part of ``origin``.
        origin: URL. Only https; http is accepted from this machine itself (``localhost``), for tests.
        untar: Only False, see ``extract``.
        md5_hash: Keras's old name for ``file_hash`` with ``hash_algorithm="md5"``.
        file_hash: Expected SHA-256 (or MD5) of the file, in hexadecimal. MD5 shows accidents, not attacks.
        cache_subdir: Folder inside ``cache_dir``, or an absolute path.
        hash_algorithm: ``"sha256"``, ``"md5"``, or ``"auto"``: by the length of the hash.
        extract: Only False. Archives are not unpacked: an archive may hold links, absolute paths and bombs, and what
            is safe depends on what is inside. Unpack the returned file yourself, e.g. with ``tarfile``'s filter "data".
        archive_format: Accepted for Keras's sake; means nothing without ``extract``.
        cache_dir: None: the environment variable ``KERAS_HOME``, or ``~/.keras``.
        force_download: Download even if the file is there.

    Returns:
        The path as a string.

    Raises:
        ValueError: An argument makes no sense, the scheme is not https, or the file came with another hash.
        OSError: The download failed (the message says where to put the file by hand), or the folder is not writable.

    Example, a file that is in the cache already, so that nothing is downloaded:

    >>> import pathlib, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = pathlib.Path(folder, "words.txt").write_text("abc")
    ...     path = get_file(
    ...         origin="https://example.org/words.txt",
    ...         file_hash="ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
    ...         cache_subdir=folder,
    ...     )
    ...     pathlib.Path(path).read_text()
    'abc'

    Source: the signature, the folder and the rule for the name are those of Keras 3's ``keras.utils.get_file``.
    """
    if untar or extract:
        raise ValueError(
            "get_file: untar and extract must be False, nnlite does not unpack archives. "
            "Call get_file without them and unpack the returned file, e.g. with tarfile and filter='data'."
        )
    if origin is None:
        raise ValueError("get_file: origin is None, expected the URL of the file.")
    _check_url(origin)
    if md5_hash is not None and file_hash is None:
        file_hash, hash_algorithm = md5_hash, "md5"
    check = None if file_hash is None else _hash_check(file_hash, hash_algorithm)
    root = keras_home() if cache_dir is None else os.path.expanduser(cache_dir)
    target = os.path.join(root, cache_subdir, _file_name(fname, origin))
    if force_download or not _is_good(target, check):
        _fetch(origin, target, check, force_download)
    return target


def _file_name(fname: str | os.PathLike[str] | None, origin: str) -> str:
    from urllib.parse import unquote, urlsplit

    name = os.fspath(fname) if fname else unquote(urlsplit(origin).path.rpartition("/")[2])
    if not name or name in (".", "..") or os.path.basename(name) != name or re.search(r"[/\\\x00-\x1f\x7f]", name):
        raise ValueError(
            f"get_file: fname={fname!r} with origin={origin!r} gives the file name {name!r}, expected a name without "
            f"folders. The folder is given by cache_dir and cache_subdir."
        )
    return name


def _hash_check(file_hash: str, algorithm: str) -> Callable[[str], str]:
    """Return the function that says what is wrong with the hash of a file, or "" if nothing is."""
    wanted = str(file_hash).lower()
    if algorithm == "auto":
        algorithm = "md5" if len(wanted) == _DIGITS["md5"] else "sha256"
    if algorithm not in _DIGITS:
        raise ValueError(f"get_file: hash_algorithm={algorithm!r}, expected 'auto', 'sha256' or 'md5'.")
    if not re.fullmatch(f"[0-9a-f]{{{_DIGITS[algorithm]}}}", wanted):
        raise ValueError(
            f"get_file: file_hash={file_hash!r}, expected {_DIGITS[algorithm]} hexadecimal digits for {algorithm}."
        )

    def check(path: str) -> str:
        found = _hash(path, algorithm)
        return "" if found == wanted else f"its {algorithm} is {found}, expected {wanted}"

    return check


def _hash(path: str, algorithm: str) -> str:
    import hashlib

    digest = hashlib.new(algorithm, usedforsecurity=False)
    with open(path, "rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


def _is_good(target: str, check: Callable[[str], str] | None) -> bool:
    return os.path.isfile(target) and (check is None or not check(target))


def _fetch(origin: str, target: str, check: Callable[[str], str] | None, force: bool) -> None:
    """Download ``origin``, check it, and only then put it at ``target``."""
    folder, name = os.path.split(target)
    os.makedirs(folder, exist_ok=True)
    partial = os.path.join(folder, f".{name}.part")
    with _only_one(folder):
        if not force and _is_good(target, check):  # somebody else fetched it while we waited
            return
        try:
            _complete(origin, partial, target, check)
            os.replace(partial, target)
        finally:  # what an error leaves is of use only if it can be continued and checked
            if os.path.isfile(partial) and (check is None or os.path.getsize(partial) == 0):
                os.remove(partial)


def _complete(origin: str, partial: str, target: str, check: Callable[[str], str] | None) -> None:
    """Make ``partial`` the whole file, with what is there of it if that proves right."""
    if check is None:
        _remove(partial)
    resumed = _transfer(origin, partial, target)
    wrong = check(partial) if check else ""
    if wrong and check and resumed:  # the first half was of another file: once more, from the beginning
        _remove(partial)
        _transfer(origin, partial, target)
        wrong = check(partial)
    if wrong:
        _remove(partial)
        raise ValueError(f"get_file: {origin} is not the expected file: {wrong}. Nothing was written to {target}.")


def _transfer(origin: str, partial: str, target: str) -> bool:
    """Complete the file ``partial`` from ``origin``; return whether what was there before was kept."""
    import http.client
    import ssl
    import urllib.error

    try:
        with open(partial, "ab") as file:
            kept = _append(origin, file, os.path.basename(target))
            os.fsync(file.fileno())
        return kept
    except (ConnectionError, TimeoutError, ssl.SSLError, urllib.error.URLError, http.client.HTTPException) as error:
        there = ", in place of the one that is there now" if os.path.isfile(target) else ""
        raise ConnectionError(
            f"get_file: could not download {origin}: {error}. "
            f"Without a network, fetch that address on another machine and put the file at {target}{there}"
        ) from error


def _append(origin: str, file: BinaryIO, name: str) -> bool:
    start = file.seek(0, os.SEEK_END)
    response = _open(origin, start)
    if response is None:  # here and below: the file's hash will tell whether it was whole or useless
        return True
    with response:
        if start and response.status != 206:  # the server knows no Range and sends everything
            start = file.truncate(0)
        elif start and not _continues(response, start):
            return True
        length = response.headers.get("Content-Length")
        total = start + int(length) if length else None
        for block in _shown(response, name, start, total):
            file.write(block)
    file.flush()
    size = file.seek(0, os.SEEK_END)
    if total is not None and size < total:
        raise ConnectionError(f"the connection ended after {size:,} of {total:,} bytes")
    return start > 0


def _open(origin: str, start: int) -> Any:
    """Return the response to a request for the bytes from ``start`` on; None if the server has none there."""
    import urllib.error
    import urllib.request

    class Redirects(urllib.request.HTTPRedirectHandler):
        def redirect_request(self, req, fp, code, msg, headers, newurl):  # type: ignore[no-untyped-def]
            if not _is_safe(newurl) or (_is_https(origin) and not _is_https(newurl)):
                raise ConnectionError(f"it redirects to {newurl!r}, which is not https")
            return super().redirect_request(req, fp, code, msg, headers, newurl)

    handlers: list[Any] = [Redirects()]
    if not _is_https(origin):
        handlers.append(urllib.request.ProxyHandler({}))  # a proxy cannot reach this machine's localhost
    headers = {"User-Agent": "nnlite", "Accept-Encoding": "identity"}
    if start:
        headers["Range"] = f"bytes={start}-"
    try:
        return urllib.request.build_opener(*handlers).open(
            urllib.request.Request(origin, headers=headers), timeout=_TIMEOUT
        )
    except urllib.error.HTTPError as error:
        with error:
            if start and error.code == 416:
                return None
            raise ConnectionError(f"the server answered {error.code} {error.reason}") from error


def _continues(response: Any, start: int) -> bool:
    return (response.headers.get("Content-Range") or "").startswith(f"bytes {start}-")


def _shown(response: Any, name: str, start: int, total: int | None) -> Iterator[bytes]:
    """Yield the blocks of the body; show the progress on a terminal, else one line."""
    blocks = iter(lambda: response.read(_BLOCK), b"")
    if sys.stdout is None or not sys.stdout.isatty():
        print(f"Downloading {name}" + (f" ({total:,} bytes)" if total else ""), flush=True)
        yield from blocks
        return
    from tqdm import tqdm

    with tqdm(desc=name, initial=start, total=total, unit="B", unit_scale=True, file=sys.stdout) as bar:
        for block in blocks:
            yield block
            bar.update(len(block))


def _check_url(origin: str) -> None:
    if not _is_safe(origin):
        raise ValueError(f"get_file: origin={origin!r}, expected an address that begins with https://")


def _is_safe(url: str) -> bool:
    from urllib.parse import urlsplit

    parts = urlsplit(url)
    local = parts.scheme == "http" and parts.hostname in ("localhost", "127.0.0.1", "::1")
    return local or (parts.scheme == "https" and bool(parts.hostname))


def _is_https(url: str) -> bool:
    return url.lower().startswith("https:")


def _remove(path: str) -> None:
    if os.path.lexists(path):
        os.remove(path)


@contextmanager
def _only_one(folder: str) -> Iterator[None]:
    """Hold the folder's lock, which the system drops with the process; no lock where there is none (Windows)."""
    handle = None
    try:
        import fcntl

        handle = os.open(folder, os.O_RDONLY)
        fcntl.flock(handle, fcntl.LOCK_EX)
    except (ImportError, OSError):  # OSError: a network file system without locks
        pass
    try:
        yield
    finally:
        if handle is not None:
            os.close(handle)
