"""The law's own mutants: small changes of its text, each of which breaks one law on purpose.

A check that never fires is a defect. So for every law that is judged in the model there is at least one change of one
place (a guard dropped, a wrong cell of the policy table, a record forgotten) after which exploring must end in a breach
of that law: its shortest counterexample must break the law named here, whatever else it breaks. `family` says in which
instances of the small scope to look, the first that fits the name.

Data only. Not here: how a changed copy of the model is made and explored; whoever does that must find each `find`
exactly once.
"""

from typing import Final

from . import barriers, records, runs, tokens
from .mutant import Mutant

MUTANTS: Final = (*tokens.MUTANTS, *barriers.MUTANTS, *runs.MUTANTS, *records.MUTANTS)

__all__ = ["MUTANTS", "Mutant"]
