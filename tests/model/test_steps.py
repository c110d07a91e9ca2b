"""What is true of every step of the pipeline machine.

Every step of every story is judged by every law, and every refusal must leave the run as it was. Batches have a file of
their own (`test_batches.py`).
"""

from fateline_model import Run, Stimulus, step
from fateline_model.checker.shapes import (
    coalesce,
    fork,
    pipeline,
    sink,
    source,
    work,
)
from fateline_model.stimuli import Do
from fateline_model.words import Refusal

from .scenario import Story, through


def test_a_step_is_a_function_of_its_arguments_alone() -> None:
    story = through("first")
    stimulus = Stimulus(Do.BEGIN, token="0/a")
    assert step(story.pipeline, story.run, stimulus) == step(story.pipeline, story.run, stimulus)
    assert step(story.pipeline, Run(), stimulus) is Refusal.UNKNOWN_TOKEN


def test_two_forks_of_one_row_name_their_tokens_apart() -> None:
    again = pipeline(
        "again",
        source("g1"),
        fork("g1", {"a": "j1", "b": "j1"}),
        coalesce("j1", ["a", "b"], "g2"),
        fork("g2", {"a": "ta", "b": "j2"}),
        work("ta", "j2"),
        coalesce("j2", ["a", "b"], "out"),
        sink(),
    )
    story = Story(again).forked()
    story.arrive("0/a")
    story.arrive("0/b")
    story.visit("0/j1", "route all")
    assert story.made == ["0/j1/a", "0/j1/b"]
