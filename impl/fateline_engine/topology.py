"""The rules that make a graph of nodes a pipeline: what is refused at build, and why.

The idea behind all of them. A fork pushes a *frame* (gate, branch), a debt owed to the coalesce that joins the
branch; that coalesce pops it. So every place in the graph must have one stack of frames, whichever way a token came
there, or the engine could not know what the token owes. Fork and coalesce are brackets, and this module checks that
they match:

1. which coalesce joins a branch is found by following the branch. An inner fork that is met on the way is an inner
   pair of brackets: the walk goes on behind *its* coalesce. Gates are taken from the sinks upwards, so the inner pairs
   are known when they are needed;
2. then the stacks are laid along the edges from the source downwards, and must agree wherever edges meet.

A branch that no coalesce joins owes nothing: its token's stack is empty, whatever its fork stood in. A debt ends at the
edge that loses it: the first one from whose head no path leads to its coalesce, as from a sink. So a node behind such
an edge owes nothing, and may also be entered by an edge that never owed anything. A fork hands the debt beneath it to the
barrier of its branches, or loses it if their coalesce does not lead on.

Not here: the questions of a running engine (`graph.py`), and the values of keys and references between nodes, which
`settings` has checked before.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from heapq import heappop, heappush
from typing import Final, NamedTuple

from fateline_engine.settings import (
    AggregationNode,
    BatchMode,
    CoalesceNode,
    Complaints,
    Edge,
    GateNode,
    Merge,
    Node,
    Pipeline,
    Policy,
    Problem,
    SinkNode,
    SourceNode,
    TransformNode,
    out_edges,
)


class Frame(NamedTuple):
    """A debt as the graph knows it: which branch of which fork."""

    gate: str
    branch: str

    def __str__(self) -> str:
        return f"{self.gate}.{self.branch}"


Stack = tuple[Frame, ...]

EMPTY: Final[Stack] = ()


@dataclass(slots=True)
class Topology:
    """What is known of a graph, and what is wrong with it."""

    pipeline: Pipeline
    complaints: Complaints
    nodes: dict[str, Node] = field(default_factory=dict)
    edges: list[Edge] = field(default_factory=list)
    order: tuple[str, ...] = ()
    """Topological, and declared among those that may come in any order."""
    reach: dict[str, frozenset[str]] = field(default_factory=dict)
    """Node to the nodes that a path leads to, itself included."""
    joins: dict[Frame, str] = field(default_factory=dict)
    """Joined branches to their coalesce."""
    stacks: dict[str, Stack] = field(default_factory=dict)
    """Node to its stack; for a coalesce the stack it puts out. Sinks have none."""

    def place(self, node: str) -> tuple[str | int, ...]:
        return ("nodes", list(self.nodes).index(node))

    def complain(self, node: str, message: str, *key: str | int) -> None:
        self.complaints.add((*self.place(node), *key), message, node=node)


def survey(pipeline: Pipeline) -> Topology:
    """Everything that the rules find in `pipeline`. Problems are in `.complaints`; later rules are not checked then."""
    known = Topology(pipeline, Complaints(pipeline.file, pipeline.lines))
    known.nodes = {node.name: node for node in pipeline.nodes}
    known.edges = [edge for node in pipeline.nodes for edge in out_edges(node)]
    after: dict[str, set[str]] = {name: set() for name in known.nodes}
    for edge in known.edges:
        after[edge.src].add(edge.dst)
    known.order = _topological_order(after)
    if len(known.order) < len(known.nodes):
        _complain_of_cycle(known)
        return known
    for name in reversed(known.order):
        known.reach[name] = frozenset[str]({name}).union(*(known.reach[head] for head in after[name]))
    _refuse_unreachable(known)
    _match_forks(known)
    if not known.complaints.problems:
        _lay_stacks(known)
    if not known.complaints.problems:
        _refuse_two_coalesces_beneath_a_frame(known)
        _refuse_creation_under_debt(known)
    return known


def _topological_order(after: Mapping[str, set[str]]) -> tuple[str, ...]:
    """The nodes so that every edge leads forwards; in declared order where edges leave the order open.

    Nodes on a cycle, and behind one, are missing.
    """
    names = list(after)
    declared = {name: index for index, name in enumerate(names)}
    awaited = dict.fromkeys(names, 0)
    for heads in after.values():
        for head in heads:
            awaited[head] += 1
    ready = [declared[name] for name, count in awaited.items() if count == 0]  # in ascending order, so it is a heap
    order = []
    while ready:
        name = names[heappop(ready)]
        order.append(name)
        for head in after[name]:
            awaited[head] -= 1
            if awaited[head] == 0:
                heappush(ready, declared[head])
    return tuple(order)


def _complain_of_cycle(known: Topology) -> None:
    import networkx  # only here: it takes longer to import than a small run takes

    edges: networkx.DiGraph[str] = networkx.DiGraph([(edge.src, edge.dst) for edge in known.edges])
    cycle = [src for src, _ in networkx.find_cycle(edges)]
    known.complain(cycle[0], f"a pipeline must not have a cycle; this is one: {' → '.join([*cycle, cycle[0]])}")


def _refuse_unreachable(known: Topology) -> None:
    sources = [name for name, node in known.nodes.items() if isinstance(node, SourceNode)]
    reached = frozenset[str]().union(*(known.reach[source] for source in sources))
    for name in known.nodes:
        if name not in reached:
            known.complain(name, "no path leads here from the source: add an edge to it, or remove it")


def _match_forks(known: Topology) -> None:
    """Find the coalesce of every branch, the inner forks first."""
    for name in reversed(known.order):
        gate = known.nodes[name]
        if not isinstance(gate, GateNode):
            continue
        for branch in gate.fork:
            found = _follow(known, gate, branch)
            if len(found) > 1:
                message = (
                    f"branch {branch} leads to the coalesces {' and '.join(sorted(found))}: it may lead to one only"
                )
                known.complain(name, message, "fork", branch)
            elif found:
                known.joins[Frame(name, branch)] = found.pop()
    _check_coalesces(known)


def _follow(known: Topology, gate: GateNode, branch: str) -> set[str]:
    """The coalesces that join `branch`; complains of those that it reaches and that do not."""
    found: set[str] = set()
    seen: set[str] = set()
    ahead = [gate.fork[branch]]
    while ahead:
        name = ahead.pop()
        if name in seen:
            continue
        seen.add(name)
        node = known.nodes[name]
        match node:
            case CoalesceNode():
                if branch in node.branches and set(node.branches) <= set(gate.fork):
                    found.add(name)
                else:
                    _complain_of_stranger(known, gate, branch, node)
            case GateNode():
                if node.to is not None:
                    ahead.append(node.to)
                ahead += [_behind(known, coalesce) for coalesce in _coalesces_of(known, node)]
            case SinkNode():
                pass
            case _:
                ahead.append(node.to)
    return found


def _behind(known: Topology, coalesce: str) -> str:
    node = known.nodes[coalesce]
    assert isinstance(node, CoalesceNode)
    return node.to


def _coalesces_of(known: Topology, gate: GateNode) -> list[str]:
    """The coalesces of one fork, in the order of its branches, each once."""
    return list(dict.fromkeys(known.joins[f] for b in gate.fork if (f := Frame(gate.name, b)) in known.joins))


def _complain_of_stranger(known: Topology, gate: GateNode, branch: str, coalesce: CoalesceNode) -> None:
    if branch in coalesce.branches:
        others = sorted(set(coalesce.branches) - set(gate.fork))
        why = f"which also wants {', '.join(others)}, not of this fork: a coalesce joins branches of one fork"
    else:
        why = f"which joins {', '.join(coalesce.branches)} and not {branch}: list it there, or lead it to a sink"
    known.complain(gate.name, f"branch {branch} leads to the coalesce {coalesce.name}, {why}", "fork", branch)


def _check_coalesces(known: Topology) -> None:
    """Each coalesce joins exactly its branches, and all of one fork."""
    for name, node in known.nodes.items():
        if not isinstance(node, CoalesceNode):
            continue
        frames = [frame for frame, coalesce in known.joins.items() if coalesce == name]
        gates = sorted({frame.gate for frame in frames})
        if len(gates) > 1:
            message = (
                f"joins branches of {len(gates)} forks ({', '.join(gates)}): a coalesce joins branches of one fork"
            )
            known.complain(name, message, "branches")
            continue
        missing = [branch for branch in node.branches if branch not in {frame.branch for frame in frames}]
        if missing:
            whose = f"the fork {gates[0]}" if gates else "any fork"
            message = f"no branch {', '.join(missing)} of {whose} leads here: lead it here, or remove it from the list"
            known.complain(name, message, "branches")


def edge_stack(known: Topology, edge: Edge) -> Stack:
    """What a token owes once it has taken `edge`."""
    owed = known.stacks.get(edge.src, EMPTY)  # a sink owes nothing
    node = known.nodes[edge.src]
    if isinstance(node, GateNode) and edge.label in node.fork:
        frame = Frame(node.name, edge.label)
        return (*stack_beneath(known, node), frame) if frame in known.joins else EMPTY
    return owed if _leads_on(known, owed, edge.dst) else EMPTY


def stack_beneath(known: Topology, gate: GateNode) -> Stack:
    """What the barriers of a fork hold for the token that forked: its debts, or nothing if none of them leads on."""
    owed = known.stacks[gate.name]
    return owed if any(_leads_on(known, owed, coalesce) for coalesce in _coalesces_of(known, gate)) else EMPTY


def _leads_on(known: Topology, owed: Stack, node: str) -> bool:
    """Whether a path leads from `node` to the coalesce that awaits the top of a stack."""
    return bool(owed) and known.joins[owed[-1]] in known.reach[node]


def _lay_stacks(known: Topology) -> None:
    """Give every node but the sinks its stack, and complain where two edges disagree."""
    into: dict[str, list[Edge]] = {}
    for edge in known.edges:
        into.setdefault(edge.dst, []).append(edge)
    for name in known.order:
        node = known.nodes[name]
        if isinstance(node, SinkNode):
            continue
        arriving = [(edge, edge_stack(known, edge)) for edge in into.get(name, []) if edge.src in known.stacks]
        if isinstance(node, CoalesceNode):
            known.stacks[name] = _stack_behind(known, node, arriving)
            continue
        known.stacks[name] = arriving[0][1] if arriving else EMPTY
        for edge, stack in arriving[1:]:
            if stack != known.stacks[name]:
                message = (
                    f"is reached from {arriving[0][0].src} {_owing(known.stacks[name])} and from {edge.src} "
                    f"{_owing(stack)}: a token there could owe either; lead one of them elsewhere"
                )
                known.complain(name, message)
                break


def _stack_behind(known: Topology, node: CoalesceNode, arriving: list[tuple[Edge, Stack]]) -> Stack:
    """The stack a coalesce puts out: what its branches carry, without the top."""
    for edge, stack in arriving:
        if not stack or known.joins.get(stack[-1]) != node.name:
            message = f"is reached from {edge.src} {_owing(stack)}, and joins only {', '.join(node.branches)}"
            known.complain(node.name, f"{message}: lead {edge.src} elsewhere")
    beneath = {stack[:-1] for _, stack in arriving}
    if len(beneath) > 1:
        shown = " or ".join(sorted(_owing(stack) for stack in beneath))
        known.complain(node.name, f"its branches come {shown} beneath: they must agree")
    return min(beneath, default=EMPTY)


def _owing(stack: Stack) -> str:
    return f"owing {', '.join(map(str, stack))}" if stack else "owing nothing"


def _refuse_two_coalesces_beneath_a_frame(known: Topology) -> None:
    for name, node in known.nodes.items():
        if isinstance(node, GateNode) and known.stacks.get(name):
            coalesces = _coalesces_of(known, node)
            if len(coalesces) > 1:
                message = (
                    f"forks to the coalesces {' and '.join(coalesces)} while it owes {known.stacks[name][-1]}: "
                    "one debt cannot have two holders; join all its branches in one coalesce"
                )
                known.complain(name, message, "fork")


def _refuse_creation_under_debt(known: Topology) -> None:
    """On no path from a fork to its coalesce may a node create or absorb tokens."""
    for name, node in known.nodes.items():
        match node:
            case TransformNode(expands=True):
                what, key = "an expansion makes several tokens of one", "expands"
            case AggregationNode(mode=BatchMode.TRANSFORM):
                what, key = "a transform-mode aggregation makes new tokens of others", "mode"
            case _:
                continue
        if known.stacks[name]:
            frame = known.stacks[name][-1]
            message = (
                f"stands between the fork {frame.gate} and its coalesce {known.joins[frame]}: {what}; move it outside"
            )
            known.complain(name, message, key)


def warn(known: Topology) -> Iterable[Problem]:
    """What is legal and probably not intended."""
    for name, node in known.nodes.items():
        if not isinstance(node, CoalesceNode) or node.merge is not Merge.SELECT:
            continue
        match node.policy:
            case Policy.FIRST:
                when = "the first arrival is another branch"
            case Policy.QUORUM if node.quorum_count is not None and node.quorum_count < len(node.branches):
                when = f"the quorum of {node.quorum_count} is met without it"
            case Policy.BEST_EFFORT:
                when = "it is lost or late"
            case _:
                continue
        message = f"selects {node.select_branch}, and fails as select_branch_not_arrived whenever {when}"
        yield known.complaints.problem((*known.place(name), "merge"), message, str(node.merge), name)


def index_edges(edges: Iterable[Edge]) -> Mapping[str, Mapping[str, Edge]]:
    """Source node to label to edge."""
    index: dict[str, dict[str, Edge]] = {}
    for edge in edges:
        index.setdefault(edge.src, {})[edge.label] = edge
    return index
