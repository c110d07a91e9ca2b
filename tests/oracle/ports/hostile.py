"""An engine that misbehaves at one kind of message, in one way: `python hostile.py ASK WAY`.

It hands every other message on to the reference engine. Not here: what is expected of the judge.
"""

import json
import os
import signal
import subprocess
import sys
import time

asked_for, way = sys.argv[1:3]


def orphan() -> None:
    """A process in a session of its own, whose parent has ended, and that keeps no stream of ours open."""
    again = "import os, time; os.setsid(); os.fork() and os._exit(0); time.sleep(600)"
    nothing = subprocess.DEVNULL
    subprocess.run([sys.executable, "-c", again], stdin=nothing, stdout=nothing, stderr=nothing, check=True)


def misbehave(asked: dict[str, object], answer: bytes) -> bytes:
    """What is said instead of the answer, unless nothing ever is again."""
    said = json.loads(answer)
    if way == "exit":
        print("something went wrong in here", file=sys.stderr)
        sys.exit(7)
    if way == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    if way == "stopped":
        os.kill(os.getpid(), signal.SIGSTOP)
    if way == "hang":
        time.sleep(600)
    if way == "hang with a child":
        subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
        time.sleep(600)
    if way == "hang with a child that leaves":
        subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
        time.sleep(600)
    if way == "leave an orphan":
        orphan()
        return answer
    if way == "end with an orphan":
        orphan()
        sys.exit(7)
    if way == "close":
        os.close(1)
        time.sleep(600)
    if way == "flood":
        while True:
            sys.stdout.buffer.write(b"x" * 65536)
    if way == "flood the log":
        for _ in range(64):
            sys.stderr.buffer.write(b"noise\n" * 4096)
        return answer
    if way == "half a line":
        sys.stdout.buffer.write(answer[: len(answer) // 2])
        sys.stdout.buffer.flush()
        time.sleep(600)
    if way == "debug output":
        return b"DEBUG: starting\n" + answer
    if way == "said twice":
        return answer + answer
    if way == "another message":
        return json.dumps({**said, "id": said["id"] + 1}).encode() + b"\n"
    if way == "no id":
        return b"{}\n"
    if way == "deep":
        return b"[" * 100_000 + b"\n"
    if way == "a strange key":
        return json.dumps({**said, "colour": 1}).encode() + b"\n"
    if way == "an error":
        return json.dumps({"id": said["id"], "error": {"message": "disk on fire", "definite": True}}).encode() + b"\n"
    if way == "no unicode":
        return b'{"id": \xff}\n'
    raise SystemExit(f"no such way: {way}")


def main() -> None:
    engine = subprocess.Popen(
        [sys.executable, "-m", "fateline_oracle.serve"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert engine.stdin is not None
    assert engine.stdout is not None
    for line in sys.stdin.buffer:
        asked = json.loads(line)
        engine.stdin.write(line)
        engine.stdin.flush()
        if asked["ask"] == "bye":
            break
        answer = engine.stdout.readline()
        sys.stdout.buffer.write(misbehave(asked, answer) if asked["ask"] == asked_for else answer)
        sys.stdout.buffer.flush()


main()
