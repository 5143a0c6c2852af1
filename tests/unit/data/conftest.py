"""A loopback server that can misbehave, and no data but what it serves."""

import gzip
import hashlib
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from passband.data import download, mirrors
from passband.data.mirrors import MIRROR_VARIABLE
from passband.data.registry import DATASETS, RemoteFile


@dataclass
class Server:
    """What it offers, by file name; how many bytes each coming answer may send; what was asked."""

    base: str
    content: dict[str, bytes] = field(default_factory=dict)
    cuts: list[int] = field(default_factory=list)
    honours_range: bool = True
    requests: list[tuple[str, str | None]] = field(default_factory=list)


@pytest.fixture
def server() -> Iterator[Server]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            name, asked = self.path.lstrip("/"), self.headers["Range"]
            state.requests.append((name, asked))
            if name not in state.content:
                return self.send_error(404)
            body, first = state.content[name], 0
            if asked and state.honours_range:
                first = int(asked.removeprefix("bytes=").rstrip("-"))
                if first >= len(body):
                    return self.send_error(416)
            self.send_response(206 if first else 200)
            self.send_header("Content-Length", str(len(body) - first))
            self.end_headers()
            last = first + state.cuts.pop(0) if state.cuts else len(body)
            self.wfile.write(body[first:last])

        def log_message(self, *_: object) -> None:
            pass

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state = Server(f"http://127.0.0.1:{http.server_port}/")
    thread = threading.Thread(target=http.serve_forever, args=(0.01,))
    thread.start()
    yield state
    http.shutdown()
    thread.join()
    http.server_close()


@pytest.fixture(autouse=True)
def _no_data_from_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(MIRROR_VARIABLE, raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(mirrors, "SYSTEM_MIRRORS", ())
    monkeypatch.setattr(download, "PAUSES", (0, 0, 0))


@pytest.fixture
def publish(server: Server, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Serve these archives as the files of a registered data set, with their own checksums."""

    def publish(dataset_id: str, archives: dict[str, bytes], **changes: object) -> None:
        known = DATASETS[dataset_id].files
        assert [file.name for file in known] == list(archives)
        files = tuple(
            RemoteFile(
                file.name,
                (server.base + file.name,),
                hashlib.sha256(
                    gzip.decompress(archives[file.name]) if file.unpacked else archives[file.name]
                ).hexdigest(),
                file.unpacked,
            )
            for file in known
        )
        server.content.update(archives)
        monkeypatch.setitem(
            DATASETS, dataset_id, replace(DATASETS[dataset_id], files=files, **changes)
        )

    return publish
