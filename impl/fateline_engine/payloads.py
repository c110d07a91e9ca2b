"""``PayloadStore``: bytes kept in files that are named by their digest.

What it is: a content-addressed store on disk. What is written once is never changed; what is read is checked against
its name, so a file that was damaged or tampered with is refused and never handed out. A file appears whole or not at
all: it is written beside its place and moved there. ``flush`` makes everything written since the last one durable, so
that a database may name it.

What it is not: a cache, and it deletes nothing: the trail decides what is still needed.
"""

import contextlib
import hashlib
import os
import re
import tempfile
from pathlib import Path
from typing import Final

_DIGEST: Final = re.compile(r"[0-9a-f]{64}")


class PayloadError(Exception):
    """A payload that cannot be had."""


class PayloadMissing(PayloadError):
    """No payload of this digest was ever written, or somebody removed it."""


class PayloadTampered(PayloadError):
    """The file is there, and its content is not what its name says."""


def digest_of(data: bytes) -> str:
    """The name of ``data``: its SHA-256, in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


class PayloadStore:
    """A folder of payloads. It is made when the first one is written."""

    def __init__(self, root: Path | str) -> None:
        self.root = Path(root)
        self._unsynced: set[Path] = set()

    def put(self, data: bytes) -> str:
        """Keep ``data`` and give its digest. Writing the same again changes nothing."""
        digest = digest_of(data)
        place = self._place(digest)
        if place.exists():
            self._read(place, digest)
            return digest
        place.parent.mkdir(parents=True, exist_ok=True)
        handle, beside = tempfile.mkstemp(dir=place.parent, prefix=".new-")
        try:
            with os.fdopen(handle, "wb") as stream:
                stream.write(data)
            os.replace(beside, place)
        except BaseException:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(beside)
            raise
        self._unsynced.add(place)
        return digest

    def get(self, digest: str) -> bytes:
        """What was kept under ``digest``; ``PayloadMissing`` or ``PayloadTampered`` if that cannot be had."""
        return self._read(self._place(digest), digest)

    def __contains__(self, digest: str) -> bool:
        return self._place(digest).exists()

    def flush(self) -> None:
        """Return when everything that was put is on the disk, folders included."""
        folders = {self.root} if self._unsynced else set()
        for place in self._unsynced:
            _sync(place)
            folders.add(place.parent)
        for folder in folders:
            _sync(folder)
        self._unsynced.clear()

    def _place(self, digest: str) -> Path:
        if not _DIGEST.fullmatch(digest):
            raise ValueError(f"{digest!r} is no digest: 64 hexadecimal digits in lower case")
        return self.root / digest[:2] / digest[2:]

    def _read(self, place: Path, digest: str) -> bytes:
        try:
            data = place.read_bytes()
        except FileNotFoundError:
            raise PayloadMissing(f"payload {digest} is not in {self.root}: it was removed or never written") from None
        if digest_of(data) != digest:
            told = f"payload {digest} does not hold what its name says ({place}): restore it from a copy"
            raise PayloadTampered(told)
        return data


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
