"""Issues of AWS Durable Execution that were mended, as trails: `mended.py CASE FILE`. See mended.toml."""

import json
import logging
import sys
import time
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).parents[3]))

from aws_durable_execution_sdk_python import DurableContext, durable_execution
from aws_durable_execution_sdk_python.config import CompletionConfig, ParallelConfig
from aws_durable_execution_sdk_python_testing import DurableFunctionTestRunner

from fateline_oracle.adapters.trail import one_join, write
from fateline_oracle.adapters.wire import Seen


def ends_well(_: DurableContext) -> str:
    return "a"


def fails_last(_: DurableContext) -> str:
    time.sleep(0.3)
    raise ValueError("branch b fails")


@durable_execution
def handler(event: Any, context: DurableContext) -> str:
    config = ParallelConfig(completion_config=CompletionConfig(tolerated_failure_count=0))
    return context.parallel([ends_well, fails_last], name="join", config=config).completion_reason.value


logging.disable(logging.CRITICAL)
with DurableFunctionTestRunner(handler) as runner:
    reason = json.loads(runner.run(input="{}").result)
ran = reason == "ALL_COMPLETED"
come, over = frozenset("a"), Seen(frozenset("a"), frozenset("b"), ran=ran, failed=not ran)
write(Path(sys.argv[2]), one_join("require_all", "ab", [("arrive", "a", Seen(come)), ("lose", "b", over)]))
