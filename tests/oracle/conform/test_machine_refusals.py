"""At the port of a machine every stimulus that the law refuses is tried, in every state."""

import pytest

from fateline_model.checker.scopes import Instance, instances
from fateline_oracle.conform.campaign import Plan, drive_one
from fateline_oracle.conform.explore import local_graph
from fateline_oracle.conform.instance import Strategy
from fateline_oracle.engines import engine_of
from fateline_oracle.ports.hello import hello_of

BARRIERS = [instance for instance in instances("small") if instance.name.startswith("barrier branches=2")]


@pytest.mark.parametrize("instance", BARRIERS, ids=lambda instance: instance.name)
def test_every_refused_stimulus_is_tried(instance: Instance) -> None:
    refused = sum(map(len, local_graph(instance.system, lambda stimulus, state: True).refusals))
    with engine_of("reference") as engine:
        result = drive_one(engine, hello_of(engine), instance, Plan(Strategy.REFUSALS, 0))
    assert result.refusals == refused > 50
