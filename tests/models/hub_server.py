"""A model hub on the loopback address: the layout that huggingface_hub speaks to, and faults on request."""

import hashlib
import json
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@dataclass
class Hub:
    """Repositories by id, each a folder; `missing` files answer 404, `cut` breaks the first download of a file."""

    repositories: dict[str, Path]
    missing: set = field(default_factory=set)
    cut: set = field(default_factory=set)
    requests: list = field(default_factory=list)
    url: str = ""

    def __enter__(self):
        hub = self

        class Handler(_Handler):
            served = hub

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()


class _Handler(BaseHTTPRequestHandler):
    served: Hub
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_HEAD(self):
        self._answer(body=False)

    def do_GET(self):
        self._answer(body=True)

    def _answer(self, *, body):
        path = self.path.partition("?")[0]
        self.served.requests.append((self.command, path, self.headers.get("Range")))
        if path.startswith("/api/models/"):
            self._information(path)
        else:
            self._file(path, body=body)

    def _information(self, path):
        name = path.removeprefix("/api/models/").partition("/revision/")[0]
        folder = self.served.repositories.get(name)
        if folder is None:
            self._send(404, b"{}", {"X-Error-Code": "RepoNotFound"})
            return
        files = sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file())
        told = {"id": name, "sha": COMMIT, "siblings": [{"rfilename": file} for file in files]}
        self._send(200, json.dumps(told).encode(), {"Content-Type": "application/json"})

    def _file(self, path, *, body):
        name, _, rest = path.lstrip("/").partition("/resolve/")
        revision, _, file = rest.partition("/")
        folder = self.served.repositories.get(name)
        if folder is None or revision not in (COMMIT, "main") or file in self.served.missing:
            self._send(404, b"", {"X-Error-Code": "EntryNotFound", "X-Repo-Commit": COMMIT})
            return
        content = (folder / file).read_bytes()
        mark = hashlib.sha256(content).hexdigest()
        headers = {"ETag": f'"{mark}"', "X-Repo-Commit": COMMIT, "Accept-Ranges": "bytes"}
        start = 0
        if (wanted := self.headers.get("Range")) is not None:
            start = int(wanted.removeprefix("bytes=").partition("-")[0])
            headers["Content-Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
        if body and file in self.served.cut:
            self.served.cut.remove(file)
            self._break_off(content)
            return
        self._send(206 if start else 200, content[start:], headers, body=body)

    def _break_off(self, content):
        """Half of the file, then silence: the connection is closed."""
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content[: len(content) // 2])
        self.wfile.flush()
        self.close_connection = True

    def _send(self, status, content, headers, *, body=True):
        self.send_response(status)
        for key, value in headers.items():
            self.send_header(key, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if body and self.command == "GET":
            self.wfile.write(content)
