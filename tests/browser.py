"""A page in a real browser, through Chromium's DevTools protocol: what it asked for, complained of and shows."""

import asyncio
import base64
import contextlib
import json
import shutil
import subprocess
import time
from pathlib import Path

import aiohttp
import pytest

needs_chromium = pytest.mark.skipif(shutil.which("chromium") is None, reason="chromium is not installed")
_FLAGS = ("--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking")
_WATCHED = ("Network.enable", "Runtime.enable", "Log.enable", "Page.enable")


class Seen:
    """What happened since the page was opened."""

    def __init__(self) -> None:
        self.requests: list[str] = []
        self.complaints: list[str] = []
        self.answers: dict[int, dict] = {}

    def take(self, message: dict) -> None:
        kind, about = message.get("method"), message.get("params", {})
        if "id" in message:
            self.answers[message["id"]] = message
        elif kind == "Network.requestWillBeSent":
            self.requests.append(about["request"]["url"])
        elif kind == "Log.entryAdded" and about["entry"]["level"] == "error":
            self.complaints.append(about["entry"]["text"])
        elif kind == "Runtime.consoleAPICalled" and about["type"] in ("error", "warning", "assert"):
            self.complaints.append(" ".join(str(part.get("value")) for part in about["args"]))
        elif kind == "Runtime.exceptionThrown":
            self.complaints.append(json.dumps(about["exceptionDetails"]))


class Page:
    """One open page."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket, self.seen, self._sent = socket, Seen(), 0

    async def send(self, method: str, **params: object) -> dict:
        self._sent += 1
        await self._socket.send_json({"id": self._sent, "method": method, "params": params})
        while self._sent not in self.seen.answers:
            self.seen.take(json.loads((await self._socket.receive(timeout=60)).data))
        answer = self.seen.answers[self._sent]
        assert "error" not in answer, answer
        return answer["result"]

    async def value(self, expression: str) -> object:
        found = await self.send("Runtime.evaluate", expression=expression, returnByValue=True)
        return found["result"].get("value")

    async def until(self, expression: str, seconds: float = 60) -> object:
        deadline = time.monotonic() + seconds
        while not (found := await self.value(expression)):
            assert time.monotonic() < deadline, f"never true: {expression}; {self.seen.complaints}"
            await asyncio.sleep(0.1)
        return found

    async def picture(self, path: Path) -> None:
        shot = await self.send("Page.captureScreenshot", format="png")
        path.write_bytes(base64.b64decode(shot["data"]))


@contextlib.asynccontextmanager
async def page(address: str, profile: Path, *, width: int = 1300, height: int = 900):
    """Open `address` in a browser of its own."""
    command = ["chromium", *_FLAGS, f"--user-data-dir={profile}", f"--window-size={width},{height}"]
    command += ["--remote-debugging-port=0", "about:blank"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as browser:
        try:
            async with (
                aiohttp.ClientSession() as session,
                session.ws_connect(await _debugger(session, profile), max_msg_size=0) as socket,
            ):
                opened = Page(socket)
                for what in _WATCHED:
                    await opened.send(what)
                await opened.send("Page.navigate", url=address)
                await opened.until("document.readyState === 'complete'")
                yield opened
        finally:
            browser.terminate()


async def _debugger(session: aiohttp.ClientSession, profile: Path) -> str:
    deadline = time.monotonic() + 60
    while not (port := profile / "DevToolsActivePort").exists() or not port.read_text().strip():
        assert time.monotonic() < deadline, "chromium did not start"
        await asyncio.sleep(0.1)
    async with session.get(f"http://127.0.0.1:{port.read_text().split()[0]}/json/list") as answer:
        pages = [one for one in await answer.json() if one["type"] == "page"]
    return pages[0]["webSocketDebuggerUrl"]
