"""The public face of Fateline for those who check an engine: one page of names, and no path into other packages.

Write an adapter: an `Engine` gives one or more of the ports (`PipelinePort`, `LifecyclePort`, `BarrierPort`,
`TrailPort`), declares in `Hello` what it can do (`Does`) and records (`Shows`), and answers each `Request` with a
`Reply`. Check it with `fateline conform module:factory`, or in a test suite with `Conformance` and `EngineMachine`. The
law as data and as a function: `load`, `step`, `LAWS`, `RELATIONS`.

`specs/face.md` shows all of it in use. No other name of `fateline_oracle` and `fateline_engine` is promised to stay.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from fateline_model import LAW_VERSION as LAW_VERSION
    from fateline_model import LAWS as LAWS
    from fateline_model import RELATIONS as RELATIONS
    from fateline_model import Accepted as Accepted
    from fateline_model import BarrierStimulus as BarrierStimulus
    from fateline_model import Do as Do
    from fateline_model import Operation as Operation
    from fateline_model import Pipeline as Pipeline
    from fateline_model import Refusal as Refusal
    from fateline_model import Run as Run
    from fateline_model import Stimulus as Stimulus
    from fateline_model import load as load
    from fateline_model import step as step
    from fateline_oracle.ports.port import BarrierPort as BarrierPort
    from fateline_oracle.ports.port import Boundary as Boundary
    from fateline_oracle.ports.port import Clock as Clock
    from fateline_oracle.ports.port import CrashPort as CrashPort
    from fateline_oracle.ports.port import Does as Does
    from fateline_oracle.ports.port import Drive as Drive
    from fateline_oracle.ports.port import Engine as Engine
    from fateline_oracle.ports.port import EngineFault as EngineFault
    from fateline_oracle.ports.port import Hello as Hello
    from fateline_oracle.ports.port import Hold as Hold
    from fateline_oracle.ports.port import LifecyclePort as LifecyclePort
    from fateline_oracle.ports.port import PipelinePort as PipelinePort
    from fateline_oracle.ports.port import Port as Port
    from fateline_oracle.ports.port import RecordJson as RecordJson
    from fateline_oracle.ports.port import Reply as Reply
    from fateline_oracle.ports.port import Request as Request
    from fateline_oracle.ports.port import Shows as Shows
    from fateline_oracle.ports.port import TrailPort as TrailPort
    from fateline_oracle.ports.port import Verdicts as Verdicts
    from fateline_oracle.ports.port import Write as Write

    from .conformance import Conformance as Conformance
    from .machine import EngineMachine as EngineMachine

_FROM: Final = {
    "fateline_model": (
        "LAWS LAW_VERSION RELATIONS Accepted BarrierStimulus Do Operation Pipeline Refusal Run Stimulus load step"
    ),
    "fateline_oracle.ports.port": (
        "BarrierPort Boundary Clock CrashPort Does Drive Engine EngineFault Hello Hold LifecyclePort PipelinePort "
        "Port RecordJson Reply Request Shows TrailPort Verdicts Write"
    ),
    "fateline.conformance": "Conformance",  # needs pytest
    "fateline.machine": "EngineMachine",  # needs hypothesis
}
"""The module of each name. It is imported when the name is first used, so that an adapter loads neither pytest nor
hypothesis."""

_HOME: Final = {name: module for module, names in _FROM.items() for name in names.split()}

__all__ = sorted(_HOME)


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'fateline' has no attribute {name!r}; its names are {', '.join(__all__)}")
    return getattr(import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return list(__all__)
