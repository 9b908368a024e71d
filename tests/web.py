"""The public web on the loopback address: Zenodo, figshare, a drive, a hub and plain links under their own names.

A proxy that answers itself instead of connecting. The libraries under test speak real HTTPS to it, because they trust
the certificate authority that is made here. Pages and interfaces have the layout that the real servers have.
"""

import datetime
import hashlib
import json
import os
import ssl
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from tests.models.hub_server import COMMIT

FIGSHARE_FILE = 40_000_000  # ids of files count on from here
CERTIFIED = (
    "doi.org",
    "zenodo.org",
    "figshare.com",
    "api.figshare.com",
    "ndownloader.figshare.com",
    "drive.google.com",
    "drive.usercontent.google.com",
    "huggingface.co",
    "github.com",
    "raw.githubusercontent.com",
    "proj.cse.cuhk.edu.hk",
    "dl.fbaipublicfiles.com",
    "marks.hms.harvard.edu",
)


@dataclass
class Web:
    """What is published: records by DOI, drive files and folders by id, links by URL, hub repositories by name.

    `down`: hosts that answer 503. `cut`: names of files of which half comes. `pages`: drive ids that are over quota.
    """

    folder: Path
    records: dict[str, dict[str, Path]] = field(default_factory=dict)
    drive: dict[str, Path] = field(default_factory=dict)
    drive_folders: dict[str, dict[str, str]] = field(default_factory=dict)
    links: dict[str, Path] = field(default_factory=dict)
    hub: dict[str, Path] = field(default_factory=dict)
    down: set = field(default_factory=set)
    cut: set = field(default_factory=set)
    pages: set = field(default_factory=set)
    requests: list = field(default_factory=list)

    def __enter__(self):
        authority, key = certificates(self.folder)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(authority, key)
        web = self

        class Handler(_Handler):
            served, tls = web, context

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.authority = authority
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()

    def variables(self):
        """Environment of a process that sees this web and no other."""
        proxy = f"http://127.0.0.1:{self.server.server_port}"
        names = ("HTTPS_PROXY", "HTTP_PROXY", "https_proxy", "http_proxy")
        trust = {"REQUESTS_CA_BUNDLE": str(self.authority), "SSL_CERT_FILE": str(self.authority)}
        return dict.fromkeys(names, proxy) | trust | {"NO_PROXY": "127.0.0.1,localhost"}


def certificates(folder):
    """A self-signed certificate for every host, and its key; both in PEM files."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "the public web, on the loopback address")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host) for host in CERTIFIED]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "web.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    plain = serialization.NoEncryption()
    (folder / "web.key").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    )
    return folder / "web.pem", folder / "web.key"


class _Handler(BaseHTTPRequestHandler):
    served: Web
    tls: ssl.SSLContext
    protocol_version = "HTTP/1.1"
    host = ""

    def log_message(self, *_):
        pass

    def do_CONNECT(self):
        """Take the client's connection over instead of passing it on."""
        self.host = self.path.partition(":")[0]
        self.send_response(200, "Connection established")
        self.end_headers()
        self.connection = self.tls.wrap_socket(self.connection, server_side=True)
        self.rfile = self.connection.makefile("rb")
        self.wfile = self.connection.makefile("wb", buffering=0)
        self.close_connection = False

    def do_HEAD(self):
        self.do_GET()

    def do_GET(self):
        parts = urlsplit(self.path)
        host = self.host or parts.netloc
        self.served.requests.append((self.command, f"{host}{parts.path}"))
        if host in self.served.down:
            self.send(503, b"down for maintenance")
            return
        found = _HOSTS.get(host)
        if found is None or not found(self, parts.path, parse_qs(parts.query)):
            link = self.served.links.get(f"{'https' if self.host else 'http'}://{host}{self.path_only()}")
            self.send_file(link) if link else self.send(404, b"<!DOCTYPE html><html>not found</html>")

    def path_only(self):
        parts = urlsplit(self.path)
        return parts.path + (f"?{parts.query}" if parts.query else "")

    def send(self, status, content, headers=()):
        self.send_response(status)
        for key, value in dict(headers).items():
            self.send_header(key, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(content)
        return True

    def send_json(self, value):
        return self.send(200, json.dumps(value).encode(), {"Content-Type": "application/json"})

    def send_page(self, text, status=200):
        page = f"<!DOCTYPE html><html><head><title>a page</title></head><body>{text}</body></html>"
        return self.send(status, page.encode(), {"Content-Type": "text/html; charset=utf-8"})

    def send_file(self, path, **headers):
        content = Path(path).read_bytes()
        if Path(path).name in self.served.cut:
            self.served.cut.remove(Path(path).name)
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content[: len(content) // 2])
            self.close_connection = True
            return True
        return self.send(200, content, {"Content-Type": "application/octet-stream", **headers})

    def redirect(self, url):
        return self.send(302, b"", {"Location": url})


def _doi(handler, path, _query):
    doi = path.lstrip("/")
    if doi not in handler.served.records:
        return handler.send_page("DOI not found", 404)
    number = doi.rpartition(".")[2]
    zenodo = doi.startswith("10.5281/zenodo.")
    return handler.redirect(
        f"https://zenodo.org/records/{number}" if zenodo else f"https://figshare.com/articles/software/x/{number}"
    )


def _record(web, number):
    return next(((doi, files) for doi, files in web.records.items() if doi.endswith(f".{number}")), (None, {}))


def _zenodo(handler, path, _query):
    """As its interface lists a record since 2023: key, size, checksum and a link of each file."""
    parts = path.strip("/").split("/")
    number = parts[parts.index("records") + 1] if "records" in parts else ""
    _, files = _record(handler.served, number)
    if parts[:2] == ["api", "records"] and len(parts) == 3:
        own = f"https://zenodo.org/api/records/{number}/files"
        listed = [
            {
                "key": name,
                "size": file.stat().st_size,
                "checksum": f"md5:{hashlib.md5(file.read_bytes()).hexdigest()}",
                "links": {"self": f"{own}/{name}/content"},
            }
            for name, file in files.items()
        ]
        return handler.send_json({"id": int(number), "files": listed})
    if "files" in parts:
        name = parts[parts.index("files") + 1]
        return handler.send_file(files[name]) if name in files else False
    return handler.send_page("a record") if parts[0] == "records" else False


def _figshare(handler, path, query):
    """As its public interface answers: an article by its DOI, then its files with links and MD5 sums."""
    if path == "/v2/articles":
        return handler.send_json([{"id": int(query["doi"][0].rpartition(".")[2])}])
    number = path.rstrip("/").rpartition("/")[2]
    doi, files = _record(handler.served, number)
    listed = [
        {
            "id": FIGSHARE_FILE + at,
            "name": name,
            "size": file.stat().st_size,
            "download_url": f"https://ndownloader.figshare.com/files/{number}-{at}",
            "computed_md5": hashlib.md5(file.read_bytes()).hexdigest(),
        }
        for at, (name, file) in enumerate(files.items())
    ]
    return handler.send_json({"id": int(number), "doi": doi, "files": listed})


def _figshare_page(handler, _path, _query):
    return handler.send_page("an article")


def _figshare_file(handler, path, _query):
    number, _, at = path.rpartition("/")[2].partition("-")
    _, files = _record(handler.served, number)
    return handler.send_file(list(files.values())[int(at)])


def _drive(handler, path, query):
    """A folder's embedded view; a file's page that asks to go on without a virus scan, as large files have it."""
    asked = query.get("id", [""])[0]
    if path == "/embeddedfolderview":
        listed = handler.served.drive_folders.get(asked)
        if listed is None:
            return handler.send_page("gone", 404)
        rows = "".join(
            f'<a href="https://drive.google.com/file/d/{at}/view?usp=drive_web">{name}</a>'
            for name, at in listed.items()
        )
        return handler.send_page(rows)
    if asked in handler.served.pages:
        return handler.send_page(
            '<p class="uc-error-subcaption">Too many users have viewed or downloaded this file recently.</p>'
        )
    if asked not in handler.served.drive:
        return handler.send_page("gone", 404)
    fields = "".join(
        f'<input type="hidden" name="{key}" value="{value}">'
        for key, value in (("id", asked), ("export", "download"), ("confirm", "t"), ("uuid", "0"))
    )
    where = "https://drive.usercontent.google.com/download"
    return handler.send_page(f'<form id="download-form" action="{where}" method="get">{fields}</form>')


def _drive_file(handler, _path, query):
    file = handler.served.drive[query["id"][0]]
    return handler.send_file(file, **{"Content-Disposition": f'attachment; filename="{file.name}"'})


def _hub(handler, path, _query):
    """As the hub's own client asks: information on a repository, then its files at the commit."""
    if path.startswith("/api/models/"):
        name = path.removeprefix("/api/models/").partition("/revision/")[0]
        folder = handler.served.hub.get(name)
        if folder is None:
            return handler.send(404, b"{}", {"X-Error-Code": "RepoNotFound"})
        files = sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file())
        return handler.send_json({"id": name, "sha": COMMIT, "siblings": [{"rfilename": file} for file in files]})
    name, _, rest = path.lstrip("/").partition("/resolve/")
    file = handler.served.hub.get(name, Path(os.devnull)) / rest.partition("/")[2]
    if not file.is_file():
        return handler.send(404, b"", {"X-Error-Code": "EntryNotFound", "X-Repo-Commit": COMMIT})
    mark = hashlib.sha256(file.read_bytes()).hexdigest()
    return handler.send_file(file, ETag=f'"{mark}"', **{"X-Repo-Commit": COMMIT, "Accept-Ranges": "none"})


_HOSTS = {
    "doi.org": _doi,
    "zenodo.org": _zenodo,
    "figshare.com": _figshare_page,
    "api.figshare.com": _figshare,
    "ndownloader.figshare.com": _figshare_file,
    "drive.google.com": _drive,
    "drive.usercontent.google.com": _drive_file,
    "huggingface.co": _hub,
}
