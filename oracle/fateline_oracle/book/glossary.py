"""`glossary.md`: every term of the book, defined once, with an example.

Lists of words in a definition come from the model's own enumerations, so a word that the model gains or loses changes the
page. Not here: the single words of a vocabulary, such as reasons and refusals (`vocabulary.py`).
"""

from collections.abc import Iterable
from typing import Final, NamedTuple

from fateline_model.checker.scopes import NAMED
from fateline_model.coalesce import Event
from fateline_model.kernels import Phase
from fateline_model.laws import Family
from fateline_model.records import RELATIONS
from fateline_model.words import (
    OUTCOMES,
    BarrierVerdict,
    BatchMode,
    GroupKind,
    LossReason,
    NodeKind,
    Policy,
    RunStatus,
    Strategy,
    Trigger,
    VisitStatus,
)

from ..ports.port import Port, Write
from ..report.verdict import NOT_JUDGED, Verdict
from .markdown import anchor, page


class Term(NamedTuple):
    """One term: what it is, an example, and the pages that say more."""

    name: str
    says: str
    example: str
    see: str = ""


def _words(words: Iterable[object]) -> str:
    return ", ".join(f"`{word}`" for word in words)


TERMINAL: Final = [outcome for outcome, rule in OUTCOMES.items() if rule.terminal]

TERMS: Final = (
    Term(
        "adapter",
        "The code between an engine and the judge. It translates messages and ids, and makes no decision.",
        "`examples/engines/node/adapter.js` puts an engine written in JavaScript behind the protocol.",
        "[ports.md](ports.md)",
    ),
    Term(
        "aggregation",
        "A node that collects tokens in a batch and releases them together. It is the only place where rows meet. "
        f"Its mode is one of {_words(BatchMode)}.",
        "An aggregation with `count: 3` releases three tokens at a time.",
        "[pipeline.md](pipeline.md#aggregation)",
    ),
    Term(
        "attempt",
        "The number of a visit of one token at one node, counted from 0. A failed visit that may be retried, and a visit that "
        "a crash interrupted, are each followed by a visit with the next number.",
        "A sink refuses a token once and then writes it: attempt 0 is `failed`, attempt 1 is `completed`.",
        "[trail.md](trail.md#visits)",
    ),
    Term(
        "barrier",
        "The meeting point of the branches of one fork at one coalesce. Its key is the coalesce and the forked token. It "
        "exists from its first event and is resolved once: merged or failed.",
        "`j@0` is the barrier at coalesce `j` for the fork of token `0`.",
        "[policy.md](policy.md), [decision 0001](decisions/0001-a-barrier-is-keyed-by-the-forked-token.md)",
    ),
    Term(
        "batch",
        "The tokens that one aggregation releases together. A batch is open to members, then triggered, then ended by the "
        "answer of the plugin.",
        "`agg#0` is the first batch of aggregation `agg`.",
        "[trail.md](trail.md#batches)",
    ),
    Term(
        "beneath",
        "The part of a token's stack that lies under the frame of the current fork: what the token already owed before it "
        "forked.",
        "Token `0/a` owes branch `a` to an outer coalesce and forks again. Its children owe the inner coalesce; the frame of "
        "`a` lies beneath.",
        "[decision 0002](decisions/0002-a-debt-has-one-holder.md)",
    ),
    Term(
        "boundary",
        "A moment at which a kill would leave something different behind: before a transaction, a commit, or a write to a "
        f"sink. The kinds are {_words(Write)}.",
        "`fateline torture` kills the engine before each commit.",
        "[ports.md](ports.md#crash-and-resume)",
    ),
    Term(
        "branch",
        "A named way out of a fork. Each branch gets one child token.",
        "A gate with `fork: {price: look_up, person: match}` has the branches `price` and `person`.",
        "[pipeline.md](pipeline.md#gate)",
    ),
    Term(
        "coalesce",
        "A node that joins branches of one fork: it holds the tokens that arrive until its policy decides, and then makes one "
        f"merged token or fails. The policies are {_words(Policy)}.",
        "A coalesce with `branches: [a, b]` and `policy: first` merges at the first arrival.",
        "[policy.md](policy.md)",
    ),
    Term(
        "contract",
        "The schema that the data of a row or of expansion children must have. It must exist and be locked before anything is "
        "written.",
        "A row without a contract is refused with `no_contract`.",
        "[laws.md](laws.md)",
    ),
    Term(
        "core",
        "The level of a law that every engine of this kind must keep. A core law cannot be declared away in a profile.",
        "F1, at most one fate, is a core law.",
        "[laws.md](laws.md)",
    ),
    Term(
        "counterexample",
        "A sequence of stimuli after which an engine does something that the law forbids. The judge shrinks it to as few "
        "steps as it can.",
        "`fateline zoo late-without-a-fate --show` prints one of eight steps.",
    ),
    Term(
        "crash",
        "The end of a process without a word. A crash writes nothing; what was committed stays.",
        "After a crash the run is interrupted, and only `resume` is possible.",
        "[durability.md](durability.md), [decision 0005](decisions/0005-a-crash-writes-nothing.md)",
    ),
    Term(
        "debt",
        "What a token owes to a coalesce: to bring one branch of one fork to it. A debt is written as a frame, and exactly one "
        "thing holds it at any time.",
        "Token `0/a` owes branch `a` of the fork of `0`. If it is discarded, the debt is lost.",
        "[decision 0002](decisions/0002-a-debt-has-one-holder.md)",
    ),
    Term(
        "digest",
        "A short text that stands for data. Two digests are equal exactly when the data are equal; nothing else follows from "
        "them. The engine chooses how it computes them.",
        "`digest_in` of a visit is the digest of the data that the visit began with.",
        "[decision 0010](decisions/0010-errors-are-required-and-opaque.md)",
    ),
    Term(
        "edge",
        "A labelled connection between two nodes. The labels are `continue`, the route labels of a gate, the branches of a "
        "fork, and `on_error`.",
        "`g -a-> ta` is the edge of branch `a` from gate `g` to transform `ta`.",
        "[trail.md](trail.md#edges)",
    ),
    Term(
        "edge cover",
        "A set of walks through a graph of states that together take every edge. `conform` drives an engine along one, in "
        "nearly as few steps as possible.",
        "A report that says `transitions 46,467/46,467` covered every edge.",
        "[decision 0014](decisions/0014-an-engine-is-driven-many-rows-at-a-time.md)",
    ),
    Term(
        "engine",
        "A program that takes rows through a pipeline and records what happens. The reference engine is one engine among "
        "others.",
        "`fateline conform` checks the reference engine; `fateline conform -- node engine.js` checks another.",
        "[ports.md](ports.md)",
    ),
    Term(
        "expansion",
        "A transform that replaces one token by one or more new tokens of the same row.",
        "Token `0` expands into `0.0` and `0.1`; its fate is `expanded`, promised 2.",
        "[pipeline.md](pipeline.md#transform)",
    ),
    Term(
        "family",
        "Two uses. Of laws: a group of laws about one subject "
        f"({', '.join(str(family).lower() for family in Family)}). Of instances: those made from one shape of pipeline with "
        "different settings.",
        "C5 is a law of the family coalesce; `diamond` is a family of instances.",
        "[laws.md](laws.md), [scopes.md](scopes.md)",
    ),
    Term(
        "fate",
        f"The terminal outcome of a token. A token gets exactly one, and nothing happens to it afterwards. The fates are "
        f"{_words(TERMINAL)}.",
        "A token that a sink wrote has the fate `completed`.",
        "[words.md](words.md#outcomes)",
    ),
    Term(
        "finding",
        "Something that a check found and that should be looked at: a law that is broken, with the case that shows it.",
        "`fateline audit` lists its findings by law, row and token.",
        "[findings.md](findings.md)",
    ),
    Term(
        "flush",
        "The release of what is held because nothing more can come: of a batch after the end of the source, and, as a last "
        "defence, of a barrier. The stimulus `flush` releases; the stimulus `flushed` carries the answer of the plugin of a "
        "batch.",
        "`flush(agg#0)` triggers the last batch; `flushed(agg#0, outputs 1)` ends it.",
        "[stimuli.md](stimuli.md)",
    ),
    Term(
        "fork",
        "The step in which a gate replaces one token by one child token for each branch.",
        "`finish(0, route all)` at gate `g` forks token `0` into `0/a` and `0/b`.",
        "[pipeline.md](pipeline.md#gate)",
    ),
    Term(
        "frame",
        "One debt on a token's stack: the pair (forked token, branch). A fork pushes a frame for each branch that a coalesce "
        "joins; the coalesce removes it.",
        "Token `0/a` carries the frame (`0`, `a`).",
        "[decision 0002](decisions/0002-a-debt-has-one-holder.md)",
    ),
    Term(
        "gate",
        "A node that chooses a route for a token: on to the next node, to a sink, into a fork, or out of the run.",
        "A gate with `routes: {high: out, low: discard}` sends a token to sink `out` or discards it.",
        "[pipeline.md](pipeline.md#gate)",
    ),
    Term(
        "group",
        f"The tokens that one operation made together. `group_kind` is one of {_words(GroupKind)}. `group` is the id of the "
        "forked or expanded token, of the merged token, or of the batch.",
        "The children `0/a` and `0/b` have `group_kind` `fork` and `group` `0`.",
        "[implementers.md](implementers.md#group)",
    ),
    Term(
        "held",
        "The state of a token that waits at a coalesce for its barrier, and the status of the visit there. A token in a batch "
        "has a held visit as well.",
        "With `policy: require_all` the first of two branches is held until the second arrives or is lost.",
        "[lifecycle.md](lifecycle.md)",
    ),
    Term(
        "holder",
        "The one thing that holds a debt: a live token whose top frame it is, or the barrier of an inner fork.",
        "While token `0/a` is forked, its inner barrier is the holder of its debt.",
        "[decision 0002](decisions/0002-a-debt-has-one-holder.md)",
    ),
    Term(
        "hop",
        "One edge that one token took. The first hop of a token is written in the step that makes the token.",
        "`0/a: g -a-> ta` says that token `0/a` went from `g` to `ta`.",
        "[trail.md](trail.md#hops)",
    ),
    Term(
        "instance",
        "One pipeline, barrier or set of operations with fixed settings, of which the checker visits every state.",
        "`diamond branches=2 policy=first merge=union` is an instance of the family `diamond`.",
        "[scopes.md](scopes.md)",
    ),
    Term(
        "join",
        "The merging of branches of one fork into one token, at a coalesce. A token that it makes has `group_kind` `join`.",
        "The join of `0/a` and `0/b` at `j` makes token `0/j`.",
        "[policy.md](policy.md)",
    ),
    Term(
        "joined",
        "Said of a branch that a coalesce joins: its token owes a debt. A branch that leads only to sinks is not joined and "
        "owes nothing.",
        "With `branches: [a, b]` of a fork into `a`, `b` and `log`, the branch `log` is not joined.",
        "[decision 0002](decisions/0002-a-debt-has-one-holder.md)",
    ),
    Term(
        "judge",
        "The part of Fateline that checks engines and trails against the law.",
        "The judge drives an engine with `fateline conform` and reads a database with `fateline audit`.",
        "[design.md](design.md)",
    ),
    Term(
        "kernel",
        "A small total function on numbers and words that holds one decision of the law, so that it can be proved for all "
        "integers.",
        "`decide` is the kernel of the policy table.",
        "[proofs.md](proofs.md)",
    ),
    Term(
        "landscape",
        "The audit database of the reference engine: the trail as SQLite tables, with triggers that refuse what the law "
        "forbids.",
        "`fateline run pipeline.yaml` writes the landscape `pipeline.db`.",
        "[decision 0013](decisions/0013-the-landscape-is-written-as-sql.md)",
    ),
    Term(
        "late",
        "Said of a token that arrives at a barrier that is already resolved. It fails in the step of its arrival.",
        "After a `first` barrier merged branch `a`, branch `b` is late: `late_arrival_after_merge`.",
        "[decision 0008](decisions/0008-late-tokens-fail-at-the-barrier.md)",
    ),
    Term(
        "law",
        "Two uses. *The law* is the model in `fateline_model`: which steps are possible and what they record. *A law* is one "
        "sentence with an id and a predicate on one step.",
        "F1: a token has at most one terminal outcome, and it never changes.",
        "[laws.md](laws.md), [decision 0009](decisions/0009-a-law-is-a-predicate-on-one-step.md)",
    ),
    Term(
        "lineage",
        "Which token was made from which: the relation `parents`, from each child to its parents.",
        "The lineage of `0/j` is its parents `0/a` and `0/b`, and their parent `0`.",
        "[trail.md](trail.md#parents)",
    ),
    Term(
        "lockstep",
        "A way to drive an engine: the judge sends one stimulus, the engine takes one step, and the judge compares the step "
        "with the law before it sends the next.",
        '`"drive": "lockstep"` in the answer to `hello`.',
        "[ports.md](ports.md)",
    ),
    Term(
        "loss",
        "The event that a branch can no longer arrive at its barrier. It happens in the step in which the holder of the debt "
        f"takes another way or ends. The reasons are {_words(LossReason)}.",
        "Token `0/b` is discarded, so branch `b` is lost to the barrier `j@0`.",
        "[decision 0007](decisions/0007-best-effort-waits-for-all-that-is-not-lost.md)",
    ),
    Term(
        "member",
        "A token in a batch. Members are numbered from 0 in the order in which they came.",
        "Token `2` is member 0 of `agg#1`.",
        "[trail.md](trail.md#members)",
    ),
    Term(
        "merge",
        "The making of one token from the tokens that a barrier holds, and of its data by a merge strategy: "
        f"{_words(Strategy)}.",
        "`union` puts the fields of all arrived branches into one object.",
        "[policy.md](policy.md#a-merge-may-still-fail-its-barrier)",
    ),
    Term(
        "mutant",
        "A copy of the law or of the reference engine with one small mistake put in on purpose. Every mutant must be caught; "
        "a check that catches none proves nothing. Mutants of the engine are also called engines with one seeded bug.",
        "`fateline zoo late-without-a-fate` judges the mutant `zoo:late-without-a-fate`.",
        "[mutants.md](mutants.md), [evidence.md](evidence.md)",
    ),
    Term(
        "node",
        f"One box of a pipeline. The kinds are {_words(NodeKind)}.",
        "`{name: out, kind: sink}` is a node.",
        "[pipeline.md](pipeline.md)",
    ),
    Term(
        "outcome",
        "A record of what became of a token. Every outcome but `buffered` is terminal; the terminal outcome is the token's "
        "fate.",
        "A token in a batch has the outcome `buffered` and later a fate.",
        "[words.md](words.md#outcomes)",
    ),
    Term(
        "phase",
        f"Where a token stands: {_words(Phase)}.",
        "A token whose visit is open is `visiting`.",
        "[lifecycle.md](lifecycle.md)",
    ),
    Term(
        "pipeline",
        "A graph of nodes, as data. A run executes one pipeline.",
        "`examples/enrichment/pipeline.yaml`.",
        "[pipeline.md](pipeline.md)",
    ),
    Term(
        "policy",
        f"When a coalesce merges, fails or waits: {_words(Policy)}.",
        "`quorum` with `quorum_count: 2` merges at the second arrival.",
        "[policy.md](policy.md)",
    ),
    Term(
        "port",
        f"One way in which an engine can be checked: {_words(Port)}. An engine offers the ports it can.",
        'An engine that says `"ports": ["pipeline"]` is driven stimulus by stimulus through a pipeline.',
        "[ports.md](ports.md)",
    ),
    Term(
        "profile",
        "Two uses. As the level of a law: a choice that an engine may make differently. As a file: the list of such laws "
        "that an engine does not keep, each with a sentence.",
        'C5 is a profile law; a profile says `C5 = "A late token waits for the next run."`',
        "[ports.md](ports.md#profiles)",
    ),
    Term(
        "promised",
        "The successors that a fate announces: for a fork the branches, for an expansion the number of children. All of them "
        "are made in the same step.",
        "`outcome forked, promised a,b`.",
        "[trail.md](trail.md#outcomes)",
    ),
    Term(
        "record",
        "One fact that an engine writes: one row of one relation.",
        '`{"rec": "hops", "run": "r", "token": "0", "src": "src", "label": "continue", "dst": "g"}`.',
        "[trail.md](trail.md)",
    ),
    Term(
        "refusal",
        "The answer to a stimulus that the law does not allow. It names the rule, writes no record and changes nothing.",
        "`begin(0)` for a token that is visiting a node is refused with `already_visiting`.",
        "[words.md](words.md#refusals)",
    ),
    Term(
        "relation",
        f"One table of the trail. There are {len(RELATIONS)}: {_words(RELATIONS)}.",
        "`tokens` holds one record for each token.",
        "[trail.md](trail.md)",
    ),
    Term(
        "row",
        "One record that the source of a run gave. A row is not a token: one row may have many tokens.",
        "Row `3` is the fourth record of the input file.",
        "[trail.md](trail.md#rows)",
    ),
    Term(
        "run",
        f"One execution of one pipeline. Its status is one of {_words(RunStatus)}; a run that is `completed` is over.",
        "`fateline run pipeline.yaml` begins a run, `fateline resume` continues one.",
        "[trail.md](trail.md#runs)",
    ),
    Term(
        "scope",
        f"A named list of instances: {_words(NAMED)}. Each contains the one before it.",
        "`fateline conform --scope small` checks an engine on the instances of scope `small`.",
        "[scopes.md](scopes.md)",
    ),
    Term(
        "sink",
        "A node that writes a token's data to a place outside the run.",
        "A `csv` sink writes one line for each token.",
        "[pipeline.md](pipeline.md#sink)",
    ),
    Term(
        "source",
        "The node that gives the rows of a run. A pipeline has one.",
        "A `csv` source gives one row for each line.",
        "[pipeline.md](pipeline.md#source)",
    ),
    Term(
        "stack",
        "The frames of one token, the innermost last: everything that the token owes.",
        "A token inside two forks has a stack of two frames.",
        "[decision 0002](decisions/0002-a-debt-has-one-holder.md)",
    ),
    Term(
        "state",
        "Everything that the law remembers of a run between two steps. Two rows that went the same way have equal states.",
        "The state in which `0/a` is held at `j` and `0/b` is ready at `tb`.",
        "[design.md](design.md#what-a-state-remembers), [scopes.md](scopes.md)",
    ),
    Term(
        "step",
        "What one stimulus does: the next state and the records that are written, or a refusal. One step is one transaction.",
        "`finish(0, route all)` closes a visit, ends token `0` and makes its children, in one step.",
        "[stimuli.md](stimuli.md)",
    ),
    Term(
        "stimulus",
        "One thing that happens to a run: a row is read, a node answers, a deadline passes, a process dies. All "
        "nondeterminism is in the choice of the next stimulus.",
        "`arrive(0/a)`.",
        "[stimuli.md](stimuli.md)",
    ),
    Term(
        "token",
        "One instance of a row on one path through the pipeline. A fork, an expansion, a merge and a batch make new tokens.",
        "Row `0` begins as the root token `0`; its fork makes `0/a` and `0/b`.",
        "[trail.md](trail.md#tokens)",
    ),
    Term(
        "trail",
        "All records of a run, in the form that every engine shares. A trail can be JSON lines, a database, or Parquet files.",
        "`fateline export pipeline.db` writes a trail as JSON lines.",
        "[trail.md](trail.md)",
    ),
    Term(
        "transaction",
        "A set of records that is committed whole or not at all. The records of one step are one transaction; an engine may "
        "commit several whole steps together.",
        "The children of a fork and the fate of their parent have the same `tx`.",
        "[durability.md](durability.md)",
    ),
    Term(
        "trigger",
        f"What resolved a barrier ({_words(Event)}) or closed a batch to new members ({_words(trigger for trigger in Trigger if str(trigger) not in {str(event) for event in Event})}).",
        "A batch that reached its `count` has the trigger `count`.",
        "[trail.md](trail.md#batches)",
    ),
    Term(
        "vector",
        "A published sequence of stimuli with the records that the law writes, or the rule by which it refuses. Vectors can be "
        "read in any language, without Fateline.",
        "`perl examples/engines/perl/vectors.pl specs/vectors/barrier.jsonl.gz` reads 720 of them.",
        "[protocol.md](protocol.md#where-more-examples-are)",
    ),
    Term(
        "verdict",
        "Three uses, and the text says which. *Of a node*: how a visit ended, for example `pass`. *Of a barrier*: "
        f"{_words(BarrierVerdict)}. *Of a law or a command*: {_words(Verdict)}; a law whose evidence is missing is "
        f"*{NOT_JUDGED}*.",
        "`route high` is a verdict of a gate.",
        "[words.md](words.md#verdicts-of-a-visit)",
    ),
    Term(
        "visit",
        f"One attempt of one token at one node. Its status is one of {_words(VisitStatus)}.",
        "`0/a@ta#0` is the first visit of token `0/a` at `ta`.",
        "[trail.md](trail.md#visits)",
    ),
    Term(
        "witness",
        "A concrete case in which a claim applies, so that the claim is not true merely because nothing ever meets it.",
        "Each proof of a kernel has witnesses: inputs that satisfy its conditions, and are run.",
        "[proofs.md](proofs.md)",
    ),
)


def glossary_page() -> str:
    """`glossary.md`."""
    return page(
        "Glossary",
        "Each term of this book, with one meaning unless the entry says otherwise. Names such as `0/a` are those that the "
        "law gives: row `0`, branch `a`. An engine chooses its own ids.",
        " · ".join(f"[{term.name}](#{anchor(term.name)})" for term in TERMS),
        *(_entry(term) for term in TERMS),
    )


def _entry(term: Term) -> str:
    example = term.example if term.example.endswith((".", "`")) else f"{term.example}."
    see = f" See {term.see}." if term.see else ""
    return f"### {term.name}\n\n{term.says}\n\n*Example:* {example}{see}"
