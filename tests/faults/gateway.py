"""What stands between a program and its tracking server: lets calls through, or does what servers do when ill."""

import contextlib
import select
import socket
import threading
import time

_PAGE = b"<!DOCTYPE html><html><head><title>Sign in</title></head><body>Sign in to go on.</body></html>"
_HTML = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%b"
_BROKEN = b"HTTP/1.1 502 Bad Gateway\r\nContent-Type: text/html\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%b"
SLOW = 0.15  # seconds that a slow server adds to each of its answers


class Gateway:
    """On a port of its own. `mode`: passes, down, silent, slow, html, broken (502 with a page), cut (mid-answer)."""

    def __init__(self, behind: int):
        self.behind, self.mode = behind, "passes"
        self._listen(0)
        self.uri = f"http://127.0.0.1:{self._port}"

    def become(self, mode):
        was, self.mode = self.mode, mode
        if mode == "down":
            self._listening.shutdown(socket.SHUT_RDWR)  # closing alone does not wake who accepts
            self._listening.close()
        elif was == "down":
            self._listen(self._port)

    def close(self):
        if self.mode != "down":
            self.become("down")

    def _listen(self, port):
        self._listening = socket.create_server(("127.0.0.1", port), backlog=64)
        self._port = self._listening.getsockname()[1]
        threading.Thread(target=self._accept, args=(self._listening,), daemon=True).start()

    def _accept(self, listening):
        with contextlib.suppress(OSError):
            while True:
                connection, _ = listening.accept()
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        behind = ("127.0.0.1", self.behind)
        with contextlib.suppress(OSError), connection, socket.create_connection(behind) as server:
            self._exchange(connection, server)

    def _exchange(self, connection, server):
        while True:
            for each in select.select([connection, server], [], [], 60)[0]:
                data = each.recv(2**16)
                if not data or not self._pass_on(data, each is connection, connection, server):
                    return

    def _pass_on(self, data, of_program, connection, server):
        mode = self.mode
        if mode == "down":
            return False
        if mode == "silent":
            while self.mode == "silent":
                time.sleep(0.05)
            return False
        if mode in ("html", "broken"):
            connection.sendall((_HTML if mode == "html" else _BROKEN) % (len(_PAGE), _PAGE))
            return False
        if mode == "cut" and not of_program:
            connection.sendall(data[: len(data) // 2])
            return False
        if mode == "slow" and not of_program:
            time.sleep(SLOW)
        (server if of_program else connection).sendall(data)
        return True
