"""Issues of bpmn-engine that were mended, as trails: `mended.py NODE FOLDER CASE FILE`. See mended.toml."""

import json
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).parents[3]))

from fateline_oracle.adapters.trail import one_join, one_token_each, write
from fateline_oracle.adapters.wire import Record, Seen

NODE, FOLDER, CASE, FILE = sys.argv[1:]


def said(program: str) -> Any:
    words = [NODE, str(Path(__file__).with_name(program)), FOLDER]
    return json.loads(subprocess.run(words, check=True, stdout=subprocess.PIPE, text=True).stdout)


def stopped() -> Iterable[Record]:
    looks = [Seen(frozenset(one["arrived"]), ran=one["ran"]) for one in said("stopped.js")]
    return one_join("best_effort", "ab", [("arrive", branch, seen) for branch, seen in zip("ab", looks, strict=True)])


def resumed() -> Iterable[Record]:
    return one_token_each(said("resumed.js"))


write(Path(FILE), stopped() if CASE == "125" else resumed())
