"""Drives a trigger rule of Airflow: the decision of its scheduler is called directly, on its metadata in SQLite.

Branches are tasks whose states are set, and a lost branch is a task that was skipped. There is no scheduler process.
"""

import atexit
import logging
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

sys.path.append(str(Path(__file__).parents[3]))

from fateline_oracle.adapters.wire import Seen, Unsupported, serve

RULES: Final = {"require_all": "all_success", "first": "one_success", "best_effort": "all_done_min_one_success"}
DAGS: Final = """
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG
for rule in {rules}:
    for names in ("ab", "abc"):
        with DAG(dag_id=rule + "-" + names, schedule=None) as dag:
            fork, join = EmptyOperator(task_id="fork"), EmptyOperator(task_id="join", trigger_rule=rule)
            for name in names:
                fork >> EmptyOperator(task_id=name) >> join
            globals()[dag.dag_id] = dag
"""


def home() -> Path:
    """A home of Airflow with an empty database. It is migrated once in an environment, and copied from then on."""
    folder = Path(tempfile.mkdtemp(prefix="fateline-airflow-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    (folder / "dags").mkdir()
    (folder / "dags" / "joins.py").write_text(DAGS.format(rules=list(RULES.values())))
    os.environ.update(
        AIRFLOW_HOME=str(folder),
        AIRFLOW__DATABASE__SQL_ALCHEMY_CONN=f"sqlite:///{folder / 'airflow.db'}",
        AIRFLOW__CORE__LOAD_EXAMPLES="False",
        AIRFLOW__LOGGING__LOGGING_LEVEL="CRITICAL",
    )
    migrated = Path(sys.prefix) / "migrated.db"
    if not migrated.is_file():
        subprocess.run([sys.executable, "-m", "airflow", "db", "migrate"], check=True, stdout=subprocess.DEVNULL)
        shutil.copy(folder / "airflow.db", migrated)
    shutil.copy(migrated, folder / "airflow.db")
    return folder


class Join:
    """One dag run: a fork, the branches, and a task with the trigger rule."""

    def __init__(self) -> None:
        self.runs = 0
        self.bag: Any = None

    def start(self, branches: Sequence[str], policy: str, quorum: int | None) -> None:
        if self.bag is None:
            self._open()
        from airflow.models.dagrun import get_or_create_dagrun
        from airflow.serialization.serialized_objects import DagSerialization
        from airflow.utils.types import DagRunTriggeredByType

        self.runs += 1
        self.branches = branches
        dag = self.bag.dags[f"{RULES[policy]}-{''.join(branches)}"]
        dag = DagSerialization.deserialize_dag(DagSerialization.serialize_dag(dag))
        when = self.began.add(minutes=self.runs)
        self.run = get_or_create_dagrun(
            dag=dag, run_id=f"run{self.runs}", logical_date=when, data_interval=(when, when), run_after=when, start_date=when,
            conf=None, triggered_by=DagRunTriggeredByType.TEST, triggering_user_name="fateline", session=self.session,
        )  # fmt: skip
        self._decide()

    def arrive(self, branch: str) -> None:
        self._end(branch, "success")

    def lose(self, branch: str) -> None:
        self._end(branch, "skipped")

    def look(self) -> Seen:
        states = {task.task_id: str(task.state) for task in self._tasks()}
        return Seen(
            arrived=frozenset(branch for branch in self.branches if states[branch] == "success"),
            lost=frozenset(branch for branch in self.branches if states[branch] in ("failed", "skipped")),
            ran=states["join"] == "success",
            failed=states["join"] in ("upstream_failed", "skipped"),
        )

    def _open(self) -> None:
        folder = home()
        logging.disable(logging.CRITICAL)
        import pendulum
        from airflow.dag_processing.bundles.manager import DagBundlesManager
        from airflow.dag_processing.dagbag import BundleDagBag, sync_bag_to_db
        from airflow.settings import Session

        self.session = Session()
        self.began = pendulum.datetime(2026, 1, 1)
        manager = DagBundlesManager()
        manager.sync_bundles_to_db(session=self.session)
        self.session.commit()
        bundle = next(iter(manager.get_all_dag_bundles()))
        bundle.initialize()
        self.bag = BundleDagBag(dag_folder=folder / "dags", bundle_path=bundle.path, bundle_name=bundle.name)
        sync_bag_to_db(self.bag, bundle.name, bundle.version)
        self.session.commit()

    def _tasks(self) -> list[Any]:
        self.session.expire_all()
        found: list[Any] = self.run.get_task_instances(session=self.session)
        return found

    def _end(self, branch: str, state: str) -> None:
        task = next(task for task in self._tasks() if task.task_id == branch)
        if task.state is not None:
            raise Unsupported(f"the task of branch {branch} has ended")
        task.set_state(state, session=self.session)
        self._decide()

    def _decide(self) -> None:
        """What the scheduler decides now. Tasks that it would run, other than branches, end well at once."""
        while True:
            ready, _ = self.run.update_state(session=self.session)
            self.session.commit()
            run = [task for task in ready if task.task_id not in self.branches]
            for task in run:
                task.set_state("success", session=self.session)
            self.session.commit()
            if not run:
                return


serve("Airflow", version("apache-airflow-core"), (*RULES, "nested"), Join())
