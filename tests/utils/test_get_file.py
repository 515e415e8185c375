"""get_file against small files served on localhost."""

from __future__ import annotations

import hashlib
import http.server
import importlib
import os
import pathlib
import stat
import threading

import pytest

from nnlite.utils.get_file import get_file, keras_home

module = importlib.import_module("nnlite.utils.get_file")

CONTENT = bytes(range(256)) * 400


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


class Server(http.server.ThreadingHTTPServer):
    """Serves CONTENT at every path; the paths named below misbehave. Records the Range header of each request."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.ranges = []
        self.url = f"http://127.0.0.1:{self.server_port}"


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        asked = self.headers.get("Range")
        self.server.ranges.append(asked)
        start = int(asked.removeprefix("bytes=").removesuffix("-")) if asked else 0
        if self.path.startswith("/redirect/"):
            self.send_response(302)
            self.send_header("Location", self.path.removeprefix("/redirect/"))
            self.end_headers()
        elif self.path == "/missing.bin":
            self.send_error(404)
        elif self.path == "/norange.bin":
            self.reply(200, CONTENT)
        elif start >= len(CONTENT):
            self.send_error(416)
        elif self.path == "/shifted.bin" and start:
            self.reply(206, CONTENT[10:], 10)
        elif self.path == "/truncated.bin":
            self.reply(206 if start else 200, CONTENT[start:], start, lost=1000)
        elif self.path == "/endless.bin":
            self.send_response(200)
            self.end_headers()  # HTTP/1.0 without a length: the end of the connection is the end
            self.wfile.write(CONTENT)
        else:
            self.reply(206 if start else 200, CONTENT[start:], start)

    def reply(self, status, body, start=0, lost=0):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        if status == 206:
            self.send_header("Content-Range", f"bytes {start}-{start + len(body) - 1}/{start + len(body)}")
        self.end_headers()
        self.wfile.write(body[: len(body) - lost])

    def log_message(self, *_):
        pass


@pytest.fixture
def server():
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    return tmp_path / "keras" / "datasets"


def partial(home, name, content):
    home.mkdir(parents=True, exist_ok=True)
    path = home / f".{name}.part"
    path.write_bytes(content)
    return path


def names(home):
    return sorted(os.listdir(home))


def test_downloads_once(server, home):
    for _ in range(2):
        path = get_file(origin=f"{server.url}/a.bin?x=1", file_hash=sha256(CONTENT).upper())
        assert path == str(home / "a.bin")
        assert pathlib.Path(path).read_bytes() == CONTENT
    assert server.ranges == [None]
    assert names(home) == ["a.bin"]


def test_downloads_without_a_hash_and_without_a_length(server, home):
    assert pathlib.Path(get_file("b.bin", f"{server.url}/endless.bin")).read_bytes() == CONTENT
    assert names(home) == ["b.bin"]


def test_the_file_has_ordinary_permissions(server, tmp_path):
    plain = tmp_path / "plain"
    plain.touch()
    path = get_file("a.bin", f"{server.url}/a.bin")
    assert stat.S_IMODE(os.stat(path).st_mode) == stat.S_IMODE(plain.stat().st_mode)


def test_md5_by_length_and_by_its_old_name(server):
    md5 = hashlib.md5(CONTENT).hexdigest()
    get_file("a.bin", f"{server.url}/a.bin", file_hash=md5)
    get_file("a.bin", f"{server.url}/a.bin", md5_hash=md5)
    assert len(server.ranges) == 1
    with pytest.raises(ValueError, match="md5 is"):
        get_file("a.bin", f"{server.url}/a.bin", md5_hash="0" * 32)


def test_force_download_and_absolute_folder(server, tmp_path):
    for force in (False, True):
        path = get_file("a.bin", f"{server.url}/a.bin", cache_subdir=str(tmp_path / "here"), force_download=force)
    assert path == str(tmp_path / "here" / "a.bin")
    assert server.ranges == [None, None]


def test_cache_dir(server, tmp_path):
    path = get_file("a.bin", f"{server.url}/a.bin", cache_dir=tmp_path, cache_subdir="sub")
    assert path == str(tmp_path / "sub" / "a.bin")


def test_keras_home(monkeypatch):
    monkeypatch.setenv("KERAS_HOME", "/some/where")
    assert keras_home() == "/some/where"
    monkeypatch.delenv("KERAS_HOME")
    assert keras_home() == os.path.join(os.path.expanduser("~"), ".keras")


@pytest.mark.parametrize("start", [1, 5000, len(CONTENT)])
def test_resumes(server, home, start):
    partial(home, "a.bin", CONTENT[:start])
    path = get_file("a.bin", f"{server.url}/a.bin", file_hash=sha256(CONTENT))
    assert pathlib.Path(path).read_bytes() == CONTENT
    assert server.ranges == [f"bytes={start}-"]
    assert names(home) == ["a.bin"]


def test_a_truncated_download_is_kept_and_continued(server, home):
    with pytest.raises(ConnectionError, match="ended after 101,400 of 102,400 bytes") as caught:
        get_file("a.bin", f"{server.url}/truncated.bin", file_hash=sha256(CONTENT))
    assert str(home / "a.bin") in str(caught.value)
    assert names(home) == [".a.bin.part"]
    get_file("a.bin", f"{server.url}/a.bin", file_hash=sha256(CONTENT))
    assert server.ranges == [None, "bytes=101400-"]
    assert (home / "a.bin").read_bytes() == CONTENT


@pytest.mark.parametrize("name", ["norange.bin", "shifted.bin"])
def test_a_server_that_sends_another_range_is_noticed(server, home, name):
    partial(home, "a.bin", CONTENT[:5000])
    path = get_file("a.bin", f"{server.url}/{name}", file_hash=sha256(CONTENT))
    assert pathlib.Path(path).read_bytes() == CONTENT


@pytest.mark.parametrize("other", [b"x" * 5000, b"x" * len(CONTENT), CONTENT + b"more"])
def test_a_partial_file_of_other_content_is_dropped(server, home, other):
    partial(home, "a.bin", other)
    path = get_file("a.bin", f"{server.url}/a.bin", file_hash=sha256(CONTENT))
    assert pathlib.Path(path).read_bytes() == CONTENT
    assert server.ranges == [f"bytes={len(other)}-", None]
    assert names(home) == ["a.bin"]


def test_without_a_hash_nothing_is_continued(server, home):
    partial(home, "a.bin", CONTENT[:5000])
    get_file("a.bin", f"{server.url}/a.bin")
    assert server.ranges == [None]
    assert (home / "a.bin").read_bytes() == CONTENT


def test_a_wrong_hash_leaves_nothing(server, home):
    with pytest.raises(ValueError, match=sha256(CONTENT)):
        get_file("a.bin", f"{server.url}/a.bin", file_hash="0" * 64)
    assert names(home) == []


def test_a_wrong_hash_leaves_the_old_file(server, home):
    home.mkdir(parents=True)
    (home / "a.bin").write_bytes(b"old")
    with pytest.raises(ValueError, match="Nothing was written"):
        get_file("a.bin", f"{server.url}/a.bin", file_hash="0" * 64)
    assert (home / "a.bin").read_bytes() == b"old"


def test_a_damaged_file_in_the_cache_is_replaced(server, home):
    home.mkdir(parents=True)
    (home / "a.bin").write_bytes(CONTENT[:-1])
    get_file("a.bin", f"{server.url}/a.bin", file_hash=sha256(CONTENT))
    assert (home / "a.bin").read_bytes() == CONTENT


def test_offline(server, home):
    server.server_close()  # the port is free again: connection refused
    with pytest.raises(ConnectionError, match="put the file at") as caught:
        get_file("a.bin", f"{server.url}/a.bin", file_hash=sha256(CONTENT))
    assert str(home / "a.bin") in str(caught.value) and server.url in str(caught.value)
    assert "in place of" not in str(caught.value)
    (home / "a.bin").write_bytes(b"other")
    with pytest.raises(ConnectionError, match="in place of the one that is there now"):
        get_file("a.bin", f"{server.url}/a.bin", file_hash=sha256(CONTENT))


def test_the_network_that_hangs(monkeypatch, tmp_path):
    monkeypatch.setattr(module, "_TIMEOUT", 0.05)
    import socket

    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(ConnectionError, match="timed out"):
        get_file("a.bin", f"http://127.0.0.1:{silent.getsockname()[1]}/a.bin")


def test_missing_on_the_server(server, home):
    with pytest.raises(ConnectionError, match="404"):
        get_file("a.bin", f"{server.url}/missing.bin", file_hash=sha256(CONTENT))
    assert names(home) == []


def test_a_truncated_download_without_a_hash_leaves_nothing(server, home):
    with pytest.raises(ConnectionError, match="ended after"):
        get_file("a.bin", f"{server.url}/truncated.bin")
    assert names(home) == []


@pytest.mark.parametrize("to", ["http://example.org/a.bin", "file:///etc/passwd", "ftp://localhost/a.bin"])
def test_a_redirect_to_another_scheme_is_refused(server, home, to):
    with pytest.raises(ConnectionError, match=r"redirect|302"):
        get_file("a.bin", f"{server.url}/redirect/{to}")
    assert not (home / "a.bin").exists()


def test_a_redirect_on_this_machine_is_followed(server):
    path = get_file("a.bin", f"{server.url}/redirect/{server.url}/a.bin")
    assert pathlib.Path(path).read_bytes() == CONTENT


@pytest.mark.parametrize(
    "origin", ["http://example.org/a", "file:///etc/passwd", "ftp://example.org/a", "/etc/passwd", "https:///a", ""]
)
def test_other_schemes_are_refused(origin):
    with pytest.raises(ValueError, match="https://"):
        get_file("a.bin", origin)


@pytest.mark.parametrize("name", ["a/b", "../a", "..", "a\\b", "a\nb", "a\x1b[2J"])
def test_a_name_is_no_path(name):
    with pytest.raises(ValueError, match="without folders"):
        get_file(name, "https://example.org/a")


@pytest.mark.parametrize("origin", ["https://example.org", "https://example.org/", "https://example.org/%2e%2e"])
def test_an_origin_without_a_name(origin):
    with pytest.raises(ValueError, match="without folders"):
        get_file(origin=origin)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"extract": True}, "unpack"),
        ({"untar": True}, "unpack"),
        ({"origin": None}, "origin"),
        ({"file_hash": "abc"}, "64 hexadecimal digits"),
        ({"file_hash": "0" * 64, "hash_algorithm": "md5"}, "32 hexadecimal digits"),
        ({"file_hash": "0" * 40, "hash_algorithm": "sha1"}, "hash_algorithm"),
    ],
)
def test_arguments_that_make_no_sense(options, words):
    with pytest.raises(ValueError, match=words):
        get_file(**{"fname": "a", "origin": "https://example.org/a", **options})


def test_callers_at_the_same_time_download_once(server, home):
    def fetch():
        get_file("a.bin", f"{server.url}/a.bin", file_hash=sha256(CONTENT))

    pytest.importorskip("fcntl", reason="without flock each caller downloads for itself")
    threads = [threading.Thread(target=fetch) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert server.ranges == [None]
    assert (home / "a.bin").read_bytes() == CONTENT


def test_one_plain_line_where_there_is_no_terminal(server, capsys):
    get_file("a.bin", f"{server.url}/a.bin")
    captured = capsys.readouterr()
    assert captured.out == "Downloading a.bin (102,400 bytes)\n"
    assert captured.err == ""


def test_a_bar_on_a_terminal(server, capsys, monkeypatch):
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    get_file("a.bin", f"{server.url}/a.bin")
    captured = capsys.readouterr()
    assert "100%" in captured.out and "102k/102k" in captured.out
    assert captured.err == ""


def test_no_stdout_at_all(server, monkeypatch):
    monkeypatch.setattr("sys.stdout", None)
    assert pathlib.Path(get_file("a.bin", f"{server.url}/a.bin")).read_bytes() == CONTENT
