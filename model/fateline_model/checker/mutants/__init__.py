"""The law's own mutants: small changes of its text, each of which breaks one law on purpose.

A check that never fires is a defect. So for every law that is judged in the model there is at least one change of one
place (a missing guard, a wrong cell of the policy table, a missing record) after which exploring must end in a breach of
that law: the shortest counterexample must break the law named here, whatever else it breaks. `family` names the instances
of the small scope to explore; the first one whose name fits is taken.

Data only. Not here: how a changed copy of the model is made and explored. The text `find` must occur exactly once in its
file.
"""

from typing import Final

from . import barriers, records, runs, tokens
from .mutant import Mutant

MUTANTS: Final = (*tokens.MUTANTS, *barriers.MUTANTS, *runs.MUTANTS, *records.MUTANTS)

__all__ = ["MUTANTS", "Mutant"]
