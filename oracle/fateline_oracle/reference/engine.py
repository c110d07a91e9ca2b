"""The reference engine, given to the judge like any other engine: its ports and its declaration."""

from importlib.metadata import PackageNotFoundError, version
from typing import Final

from fateline_oracle.ports.port import Does, Hello, Port
from fateline_oracle.reference.barrier import BarrierPort
from fateline_oracle.reference.crash import ReferenceCrashPort
from fateline_oracle.reference.free_run import TrailPort
from fateline_oracle.reference.lifecycle import LifecyclePort
from fateline_oracle.reference.pipeline import ReferencePort

PORTS: Final = frozenset(Port)
LAW_VERSION: Final = "2"
"""The version of the law that the engine was written for. It is not taken from the judge, which compares it."""


class ReferenceEngine:
    """Offers every port, in lockstep, with a clock that the judge moves."""

    def hello(self) -> Hello:
        try:
            own = version("fateline")
        except PackageNotFoundError:
            own = "not installed"
        return Hello("reference engine", own, LAW_VERSION, PORTS, frozenset(Does))

    def pipeline(self) -> ReferencePort:
        return ReferencePort()

    def lifecycle(self) -> LifecyclePort:
        return LifecyclePort()

    def barrier(self) -> BarrierPort:
        return BarrierPort()

    def crash(self) -> ReferenceCrashPort:
        return ReferenceCrashPort()

    def trail(self) -> TrailPort:
        return TrailPort()
