"""What a law asks of a graph, read from its edges alone.

The machines use what `wellformed.py` derives. A law that asked the same tables could not see that they are wrong, so a law
asks these questions here, where each is a walk along edges. Not here: which coalesce joins a branch and what is owed at a
node, which take more than a walk; the tests derive them again by listing every path.
"""

from functools import lru_cache

from ..wellformed import Pipeline


@lru_cache(maxsize=4096)
def nodes_ahead(pipeline: Pipeline, src: str) -> frozenset[str]:
    """The nodes that a path leads to from `src`, with `src`."""
    seen, waiting = {src}, [src]
    while waiting:
        here = waiting.pop()
        ahead = {dst for (node, _), dst in pipeline.edges.items() if node == here} - seen
        seen |= ahead
        waiting += ahead
    return frozenset(seen)


def leads_to(pipeline: Pipeline, src: str, dst: str) -> bool:
    """Whether a path leads from one node to another, or they are the same."""
    return dst in nodes_ahead(pipeline, src)


def can_be_paid(pipeline: Pipeline, gate: str, branch: str, node: str) -> bool:
    """Whether a path leads from `node` to the coalesce that joins this branch of this gate."""
    return leads_to(pipeline, node, pipeline.joined[gate, branch])


def is_kept_by_a_fork(pipeline: Pipeline, outer: tuple[str, str], gate: str) -> bool:
    """Whether some coalesce of a gate leads on to the coalesce of the branch that is owed beneath it."""
    inner = {coalesce for (src, _), coalesce in pipeline.joined.items() if src == gate}
    return any(can_be_paid(pipeline, *outer, coalesce) for coalesce in inner)
