"""Runs independent tasks in several processes: the one pool that every command uses.

Each worker opens what the tasks share (an engine, a database) once, and each result is returned as soon as it is ready.
A task may end its worker; an engine written in C can crash. Then all remaining tasks run again, one at a time, each in
a separate process, so that the task that ends its process is known; `died` gives its result. Without `died` that is an
error. Whatever ends the loop early, such as Ctrl-C or SIGTERM, ends the workers at once.

    for place, judged in in_processes(judge, range(9), jobs=2, shared=lambda: engine_of("reference"), died=faulty):

Not here: the tasks, and progress.
"""

import gc
import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import AbstractContextManager, ExitStack, nullcontext
from signal import SIG_DFL, SIGINT, SIGTERM, signal
from typing import Any, Final, Literal, TypeVar

Shared = TypeVar("Shared")
Task = TypeVar("Task")
Result = TypeVar("Result")

IN_WORKERS: Final = 100_000, 50, 100
"""The thresholds of the garbage collector in a worker. Graphs are large and have no cycles; collecting took a tenth of
the time."""


class WorkerDied(RuntimeError):
    """A task ended its process, and the caller gave no `died`."""


def in_processes(
    work: Callable[[Shared, Task], Result],
    tasks: Sequence[Task],
    *,
    jobs: int,
    shared: Callable[[], AbstractContextManager[Shared]] = nullcontext,  # type: ignore[assignment]
    died: Callable[[Task], Result] | None = None,
    start: Literal["fork", "spawn"] = "fork",
    in_order: bool = False,
) -> Iterator[tuple[Task, Result]]:
    """Each task with its result, as they end or `in_order`. With one job everything runs in this process, in order.

    `work` must be a function of a module. With `spawn`, `shared` and the tasks are pickled.
    """
    if jobs == 1 or len(tasks) == 1:
        with shared() as here:
            for task in tasks:
                yield task, work(here, task)
        return
    left = list(enumerate(tasks))
    together = True
    while left:
        batch = list(left) if together else left[:1]
        context = multiprocessing.get_context(start)
        with ProcessPoolExecutor(min(jobs, len(batch)), context, _begin, (shared,)) as pool:
            waiting = {pool.submit(_work, work, task): (place, task) for place, task in batch}
            try:
                for future in waiting if in_order else as_completed(waiting):
                    result: Result = future.result()
                    left.remove(waiting[future])
                    yield waiting[future][1], result
            except BrokenProcessPool:
                if not together:
                    _, task = left.pop(0)
                    if died is None:
                        raise WorkerDied(f"the process of {task} ended without an answer") from None
                    yield task, died(task)
                together = False
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                for worker in multiprocessing.active_children():  # a task may take minutes, and nobody waits for it now
                    worker.kill()
                raise


_open: ExitStack = ExitStack()
_shared: list[Any] = []


def _begin(shared: Callable[[], AbstractContextManager[Any]]) -> None:
    signal(SIGINT, SIG_DFL)
    signal(SIGTERM, SIG_DFL)
    gc.set_threshold(*IN_WORKERS)
    _shared[:] = [_open.enter_context(shared())]


def _work(work: Callable[[Any, Any], Any], task: Any) -> Any:
    return work(_shared[0], task)
