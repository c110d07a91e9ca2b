"""The reference engine as anybody's engine is given to the judge: a factory of ports, and what it says of itself."""

from importlib.metadata import PackageNotFoundError, version

from fateline_oracle.judge.port import Hello, Port
from fateline_oracle.reference.pipeline import ReferencePort


class ReferenceEngine:
    """Everything, in lockstep, on a clock that the judge moves."""

    def hello(self) -> Hello:
        try:
            own = version("fateline")
        except PackageNotFoundError:
            own = "not installed"
        return Hello("reference engine", own, "1", frozenset({Port.PIPELINE}))

    def pipeline(self) -> ReferencePort:
        return ReferencePort()

    def lifecycle(self) -> None:
        return None

    def barrier(self) -> None:
        return None

    def trail(self) -> None:
        return None
