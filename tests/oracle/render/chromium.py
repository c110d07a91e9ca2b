"""Runs a page in headless Chromium, offline, and gives the document as it is after the page's script. Not here: any claim."""

import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import pytest

from fateline_oracle.limits import SILENCE, slowness

BROWSER = next(
    (found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), None
)
needs_browser = pytest.mark.skipif(
    BROWSER is None, reason="needs a browser: install Chromium (Debian: apt-get install chromium)"
)
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-ipc-flooding-protection", "--hide-scrollbars",
)  # fmt: skip


def _ran(page: Path, fragment: str, *words: str) -> "subprocess.CompletedProcess[str]":
    assert BROWSER is not None
    done = subprocess.run(
        [BROWSER, *FLAGS, f"--user-data-dir={page.parent / 'browser'}", *words, f"{page.resolve().as_uri()}{fragment}"],
        capture_output=True,
        text=True,
        timeout=4 * SILENCE * slowness(),
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done


def said_in_console(page: Path, *, size: str = "1400,1000") -> list[str]:
    """What the page, as it is, writes into the browser's console: errors of its script, and what its policy refuses."""
    done = _ran(page, "", f"--window-size={size}", "--enable-logging=stderr", "--log-level=0", "--dump-dom")
    return [line for line in done.stderr.splitlines() if ":CONSOLE" in line]


def opened(page: Path, fragment: str = "", *, size: str = "1400,1000", scheme: str = "light") -> str:
    """The document, as HTML."""
    words = (
        f"--window-size={size}",
        f"--blink-settings=preferredColorScheme={0 if scheme == 'dark' else 1}",
        "--dump-dom",
    )
    return _ran(page, fragment, *words).stdout


def with_script(file: Path, script: str, *, size: str = "390,844", fragment: str = "") -> str:
    """What a script of the test writes into the element `walked` of a page. A policy of the page would not let it run."""
    text = file.read_text(encoding="utf-8")
    policy = re.search(r"<meta http-equiv=\"Content-Security-Policy\"[^>]*>", text)
    text = text.replace(policy[0], "") if policy is not None else text
    file.write_text(text.replace("</body>", f"<script>{script}</script></body>"), encoding="utf-8")
    return Texts(opened(file, fragment, size=size)).by_id["walked"]


class Texts(HTMLParser):
    """The texts below the elements that have an id, by the id; attributes of the body; and what else is asked about."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.by_id: dict[str, str] = {}
        self.body: dict[str, str | None] = {}
        self.scripts = 0
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self._open: list[tuple[str, str | None]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        own = dict(attrs)
        self.tags.append((tag, own))
        self.scripts += tag == "script"
        if tag == "body":
            self.body = own
        if tag not in ("meta", "br"):
            self._open.append((tag, own.get("id")))

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop()[0] != tag:
            pass

    def handle_data(self, data: str) -> None:
        for _, own in self._open:
            if own is not None:
                self.by_id[own] = self.by_id.get(own, "") + data
