"""Counts the code lines of a Python file: what is left without imports, docstrings, comments and blank lines.

Not a test: the counter of those that set a limit. A line is counted once, however much stands on it; a text that stands
alone as a statement is a docstring, wherever it stands.
"""

import ast
import io
import tokenize
from pathlib import Path
from typing import Final

_NO_CODE: Final = (
    tokenize.COMMENT,
    tokenize.NL,
    tokenize.NEWLINE,
    tokenize.INDENT,
    tokenize.DEDENT,
    tokenize.ENDMARKER,
)


def code_lines(text: str) -> int:
    """The number of lines of a source text on which there is code."""
    used: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type not in _NO_CODE:
            used.update(range(token.start[0], token.end[0] + 1))
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import | ast.ImportFrom | ast.Expr) and not _is_code(node):
            used.difference_update(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    return len(used)


def _is_code(node: ast.stmt) -> bool:
    text = node.value if isinstance(node, ast.Expr) else None
    return text is not None and not (isinstance(text, ast.Constant) and isinstance(text.value, str))


def code_lines_of(*files: Path) -> int:
    """The same of several files together."""
    return sum(code_lines(file.read_text(encoding="utf-8")) for file in files)
