"""The payload store: what was put comes out, or nothing does."""

import os
from pathlib import Path
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fateline_engine.payloads import PayloadMissing, PayloadStore, PayloadTampered, digest_of


def files(root: Path) -> list[Path]:
    return [path for path in root.rglob("*") if path.is_file()]


@given(st.lists(st.binary(max_size=20), max_size=5))
@settings(deadline=None)
def test_what_was_put_comes_out(tmp_path_factory: pytest.TempPathFactory, contents: list[bytes]) -> None:
    store = PayloadStore(tmp_path_factory.mktemp("store"))
    digests = [store.put(data) for data in contents]
    store.flush()
    assert [PayloadStore(store.root).get(digest) for digest in digests] == contents
    assert len(files(store.root)) == len(set(contents))


def test_the_same_bytes_are_kept_once_and_not_written_again(tmp_path: Path) -> None:
    store = PayloadStore(tmp_path)
    digest = store.put(b"text")
    (file,) = files(tmp_path)
    before = file.stat().st_mtime_ns, file.stat().st_ino
    assert store.put(b"text") == digest == digest_of(b"text")
    assert (file.stat().st_mtime_ns, file.stat().st_ino) == before
    assert digest in store
    assert digest_of(b"other") not in store


@pytest.mark.parametrize("damage", [b"", b"texT", b"text "])
def test_tampering_is_refused_on_reading_and_on_writing(tmp_path: Path, damage: bytes) -> None:
    store = PayloadStore(tmp_path)
    digest = store.put(b"text")
    files(tmp_path)[0].write_bytes(damage)
    for ask in (lambda: store.get(digest), lambda: store.put(b"text")):
        with pytest.raises(PayloadTampered, match=digest):
            ask()


def test_what_is_missing_is_said_to_be_missing(tmp_path: Path) -> None:
    with pytest.raises(PayloadMissing, match="removed or never written"):
        PayloadStore(tmp_path).get(digest_of(b""))


@pytest.mark.parametrize("digest", ["", "../../etc/passwd", "A" * 64, "0" * 63, "0" * 64 + "\n"])
def test_only_a_digest_names_a_payload(tmp_path: Path, digest: str) -> None:
    with pytest.raises(ValueError, match="is no digest"):
        PayloadStore(tmp_path).get(digest)


def test_a_write_that_fails_leaves_nothing(tmp_path: Path) -> None:
    store = PayloadStore(tmp_path)
    with patch("os.replace", side_effect=OSError(28, "No space left on device")), pytest.raises(OSError, match="space"):
        store.put(b"text")
    assert files(tmp_path) == []
    assert store.put(b"text") in store


def test_flush_syncs_each_new_file_and_its_folder_once(tmp_path: Path) -> None:
    store = PayloadStore(tmp_path)
    store.put(b"text")
    with patch("os.fsync", wraps=os.fsync) as sync:
        store.flush()
        assert sync.call_count == 3
        store.put(b"text")
        store.flush()
        assert sync.call_count == 3
