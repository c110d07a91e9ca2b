"""Issues of DBOS that were mended, as trails: `mended.py CASE FILE`. See mended.toml."""

import asyncio
import sys
import tempfile
from itertools import count
from pathlib import Path

sys.path.append(str(Path(__file__).parents[3]))

from dbos import DBOS, SetWorkflowID

from fateline_oracle.adapters.trail import one_token, write

clock = count()
visits: list[tuple[str, int | None, int | None]] = []


@DBOS.workflow()
async def body() -> None:
    """Each time it runs is a visit."""
    opened = next(clock)
    await asyncio.sleep(0.5)
    visits.append(("body", opened, next(clock)))


async def called() -> None:
    with SetWorkflowID("run"):
        await body()


async def twice() -> None:
    await asyncio.gather(called(), called())


with tempfile.TemporaryDirectory() as folder:
    DBOS(
        config={
            "name": "fateline",
            "system_database_url": f"sqlite:///{folder}/system.sqlite",
            "log_level": "CRITICAL",
            "application_version": "1",
            "executor_id": "1",
        }
    )
    DBOS.launch()
    asyncio.run(twice())
    ended = DBOS.retrieve_workflow("run").get_status().status == "SUCCESS"
    DBOS.destroy()
write(Path(sys.argv[2]), one_token(visits, ["body"], ended))
