"""Talks to a process that is not trusted: one line out, one line back, within a time limit.

If the process cannot be started, ends, hangs, writes garbage, writes too much, or answers another message, the result
is an `EngineFault` with one line that says so and with the end of its log. After a fault it is killed with all that it
started (`supervisor.py`). Its standard error is its log. Not here: what the lines mean (`messages.py`, `process_engine.py`).
"""

import os
import selectors
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO, Final

import msgspec

from ..limits import SILENCE, Allowance, alive, silence
from .messages import Answer, Bye, JudgeMessage, VerdictRequest, decode_answer, encode
from .port import EngineFault, EngineSilent

LINE: Final = 32 * 1024 * 1024
"""The largest number of bytes in a line."""
LOG: Final = 16_384
"""The number of bytes of the log that are kept."""
Stream = int | IO[bytes]
_CHUNK: Final = 262_144
_SUPERVISED: Final = (sys.executable, "-I", "-S", str(Path(__file__).with_name("supervisor.py")))
_PARTING: Final = 0.5
_MOMENT: Final = 0.5


def started(
    command: Sequence[str], what: str, *, stdin: Stream, stdout: Stream, stderr: Stream
) -> subprocess.Popen[bytes]:
    """A process that ends with all that it starts (`supervisor.py`). Raises `EngineFault` if it cannot be started."""
    reading, writing = os.pipe()
    try:
        process = subprocess.Popen(
            [*_SUPERVISED, str(writing), *command], stdin=stdin, stdout=stdout, stderr=stderr, bufsize=0,
            start_new_session=True, pass_fds=(writing,),
        )  # fmt: skip
    finally:
        os.close(writing)
        with os.fdopen(reading, "rb") as status:
            problem = status.read().decode()
    if problem:
        ended(process)
        raise EngineFault(f"{what}: {shlex.join(command)} cannot be started: {problem}")
    return process


def ended(process: subprocess.Popen[bytes]) -> None:
    """End a process of `started`, and all that it started."""
    process.terminate()
    try:
        process.wait(SILENCE)
    except subprocess.TimeoutExpired:  # somebody has stopped the supervisor
        process.kill()
        process.wait()
    for stream in (process.stdin, process.stdout, process.stderr):
        if stream is not None:
            stream.close()


class EngineProcess:
    """One process. It is started for its first message, and again after a fault."""

    def __init__(self, command: Sequence[str]) -> None:
        self.command = list(command)
        self.starts = 0
        self.log = b""
        self._process: subprocess.Popen[bytes] | None = None
        self._pending = b""
        self._next = 0

    @property
    def running(self) -> bool:
        return self._process is not None

    def number(self) -> int:
        """The id of the next message."""
        self._next += 1
        return self._next

    def ask(self, asked: JudgeMessage, back: Callable[[VerdictRequest], JudgeMessage] | None = None) -> Answer:
        """Ask, and wait for the answer. `back` answers questions that the engine asks in between."""
        what = type(asked).__struct_config__.tag
        try:
            return self._ask(asked, str(what), back)
        except BaseException:
            self.kill()
            raise

    def _ask(self, asked: JudgeMessage, what: str, back: Callable[[VerdictRequest], JudgeMessage] | None) -> Answer:
        process = self._started(what)
        allowed = Allowance(silence())
        if self._pending:
            raise self._fault(what, f"wrote a line without being asked: {_short(self._pending)}")
        self._send(process, encode(asked), allowed, what)
        while True:
            line = self._line(process, allowed, what)
            try:
                answer = decode_answer(asked, line)
            except msgspec.MsgspecError as error:
                raise self._fault(what, f"answered {_short(line)}: {error}") from None
            if answer.id != asked.id:
                raise self._fault(what, f"answered message {answer.id} instead of message {asked.id}")
            if isinstance(answer, Answer):
                break
            if back is None:
                raise self._fault(what, "asked a question outside of a run")
            self._send(process, encode(back(answer)), allowed, what)
        if self._pending:
            raise self._fault(what, f"wrote more than one answer: {_short(self._pending)}")
        if answer.error is not None:
            sure = "nothing was done" if answer.error.definite else "it is not known what was done"
            raise self._fault(what, f"reports that it failed; {sure}: {_short(answer.error.message.encode())}")
        return answer

    # ------------------------------------------------------------------------------------------------ bytes

    def _started(self, what: str) -> subprocess.Popen[bytes]:
        if self._process is None:
            self.starts += 1
            self._pending, self.log = b"", b""
            pipe = subprocess.PIPE
            self._process = started(self.command, what, stdin=pipe, stdout=pipe, stderr=pipe)
            for stream in (self._process.stdin, self._process.stdout, self._process.stderr):
                assert stream is not None
                os.set_blocking(stream.fileno(), False)
        return self._process

    def _send(self, process: subprocess.Popen[bytes], line: bytes, allowed: Allowance, what: str) -> None:
        assert process.stdin is not None
        left = memoryview(line)
        with selectors.DefaultSelector() as ready:
            ready.register(process.stdin, selectors.EVENT_WRITE)
            ready.register(process.stderr, selectors.EVENT_READ)  # type: ignore[arg-type]
            while left:
                events = _ready_streams(ready, allowed)
                if not events and not allowed.left():
                    raise self._silent(what, f"did not read its input for {allowed.seconds:g} s")
                if events:
                    allowed.renew()
                for key, _ in events:
                    if key.fileobj is process.stdin:
                        try:
                            left = left[os.write(process.stdin.fileno(), left) :]
                        except BlockingIOError:
                            continue
                        except OSError:
                            raise self._fault(what, self._ended(process)) from None
                    elif not self._read_log(process):
                        ready.unregister(key.fileobj)

    def _line(self, process: subprocess.Popen[bytes], allowed: Allowance, what: str) -> bytes:
        assert process.stdout is not None
        searched = 0
        with selectors.DefaultSelector() as ready:
            ready.register(process.stdout, selectors.EVENT_READ)
            ready.register(process.stderr, selectors.EVENT_READ)  # type: ignore[arg-type]
            while True:
                end = self._pending.find(b"\n", searched)
                if end >= 0:
                    line, self._pending = self._pending[:end], self._pending[end + 1 :]
                    return line
                searched = len(self._pending)
                if searched > LINE:
                    raise self._fault(what, f"answered with a line of more than {LINE:,} bytes")
                events = _ready_streams(ready, allowed)
                if not events and not allowed.left():
                    begun = f"; the line so far is {_short(self._pending)}" if self._pending else ""
                    raise self._silent(what, f"gave no answer within {allowed.seconds:g} s{begun}")
                if any(key.fileobj is process.stdout for key, _ in events):
                    allowed.renew()
                for key, _ in events:
                    if key.fileobj is process.stdout:
                        chunk = os.read(process.stdout.fileno(), _CHUNK)
                        if not chunk:
                            raise self._fault(what, self._ended(process))
                        self._pending += chunk
                    elif not self._read_log(process):
                        ready.unregister(key.fileobj)

    def _read_log(self, process: subprocess.Popen[bytes]) -> bool:
        assert process.stderr is not None
        try:
            chunk = os.read(process.stderr.fileno(), _CHUNK)
        except OSError:
            return True
        self.log = (self.log + chunk)[-LOG:]
        return bool(chunk)

    # ------------------------------------------------------------------------------------------------ ends

    def _ended(self, process: subprocess.Popen[bytes]) -> str:
        try:
            code = process.wait(_PARTING)
        except subprocess.TimeoutExpired:
            return "closed its output without an answer"
        return f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with exit status {code}"

    def _silent(self, what: str, problem: str) -> EngineSilent:
        return EngineSilent(str(self._fault(what, problem)))

    def _fault(self, what: str, problem: str) -> EngineFault:
        process = self._process
        if process is not None:
            while self._read_log_now(process):
                pass
        last = self.log.decode("utf-8", "replace").strip().splitlines()
        words = f" (its log ends: {last[-1][:200]})" if last else ""
        return EngineFault(f"{what}: the engine {problem}{words}", self.log.decode("utf-8", "replace"))

    def _read_log_now(self, process: subprocess.Popen[bytes]) -> bool:
        before = self.log
        assert process.stderr is not None
        try:
            chunk = os.read(process.stderr.fileno(), _CHUNK)
        except OSError:
            return False
        self.log = (before + chunk)[-LOG:]
        return len(chunk) == _CHUNK

    def kill(self) -> None:
        """End the process and all that it started."""
        process, self._process, self._pending = self._process, None, b""
        if process is not None:
            ended(process)

    def close(self) -> None:
        """Send `bye`, wait a moment, and kill the process."""
        process = self._process
        if process is not None and process.stdin is not None:
            try:
                os.write(process.stdin.fileno(), encode(Bye(self.number())))
                process.stdin.close()
                process.wait(_PARTING)
            except (OSError, subprocess.TimeoutExpired):
                pass
        self.kill()


def _ready_streams(ready: selectors.BaseSelector, allowed: Allowance) -> list[tuple[selectors.SelectorKey, int]]:
    """The streams that are ready, after a moment at most. Tells an outer time limit that the process is alive."""
    alive()
    return ready.select(min(allowed.left(), _MOMENT))


def _short(line: bytes) -> str:
    text = line[:200].decode("utf-8", "replace")
    return repr(text if len(line) <= 80 else f"{text[:77]}...")
