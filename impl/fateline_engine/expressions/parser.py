"""From text to a syntax tree: a recursive descent over the table of binary operators, weakest first.

    expression  = either ["if" either "else" expression]
    either      = both {"or" both}           both = negation {"and" negation}
    negation    = "not" negation | comparison
    comparison  = sum [("==" | "!=" | "<" | "<=" | ">" | ">=" | "in" | "not" "in") sum]
    sum         = product {("+" | "-") product}
    product     = sign {("*" | "/" | "//" | "%") sign}
    sign        = "-" sign | place           place = atom {"." word | "[" expression "]"}
    atom        = number | text | "true" | "false" | "null" | field | word "(" [arguments] ")"
                | "(" expression ")" | "[" [arguments] "]"

Not here: checks of types or names. Depth is bounded here, length by the tokenizer.
"""

from collections.abc import Callable
from typing import Final

from fateline_engine.expressions.syntax import (
    MAX_DEPTH,
    MAX_OPERATORS,
    Binary,
    Call,
    Choice,
    Constant,
    Expression,
    ExpressionError,
    Field,
    Item,
    Kind,
    Listing,
    Scalar,
    Token,
    Unary,
    tokens,
)

COMPARISONS: Final = frozenset({"==", "!=", "<", "<=", ">", ">=", "in"})
CONSTANTS: Final[dict[str, Scalar]] = {"true": True, "false": False, "null": None}
WORDS: Final = frozenset({"and", "or", "not", "in", "if", "else", *CONSTANTS})
_ESCAPES: Final = {"n": "\n", "t": "\t", "\\": "\\", "'": "'", '"': '"'}
_MAX_DIGITS: Final = 30


def parse(text: str) -> Expression:
    """The tree of `text`; `ExpressionError` with the column if it has none."""
    parser = _Parser(text)
    tree = parser.expression()
    parser.expect_end()
    return tree


class _Parser:
    def __init__(self, text: str) -> None:
        self._tokens = list(tokens(text))
        self._at = 0
        self._depth = 0
        self._operators = 0

    @property
    def _next(self) -> Token:
        return self._tokens[self._at]

    def _take(self) -> Token:
        token = self._next
        self._at += token.kind is not Kind.END
        return token

    def _is(self, *texts: str) -> bool:
        return self._next.kind in (Kind.SIGN, Kind.WORD) and self._next.text in texts

    def _expect(self, text: str, why: str) -> None:
        if not self._is(text):
            raise ExpressionError(f"expected {text} {why}, found {self._next.text}", self._next.column)
        self._take()

    def expect_end(self) -> None:
        if self._next.kind is not Kind.END:
            hint = "; comparisons do not chain, join two with and" if self._is(*COMPARISONS) else ""
            raise ExpressionError(f"{self._next.text} follows a whole expression{hint}", self._next.column)

    def _deeper(self, read: Callable[[], Expression]) -> Expression:
        """Every way into recursion goes through here."""
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise ExpressionError(f"nested more than {MAX_DEPTH} deep", self._next.column)
        tree = read()
        self._depth -= 1
        return tree

    def expression(self) -> Expression:
        return self._deeper(self._choice)

    def _choice(self) -> Expression:
        column = self._next.column
        then = self._either()
        if not self._is("if"):
            return then
        self._take()
        condition = self._either()
        self._expect("else", "after the condition")
        return Choice(condition, then, self.expression(), column)

    def _operator(self) -> Token:
        self._operators += 1
        if self._operators > MAX_OPERATORS:
            raise ExpressionError(f"more than {MAX_OPERATORS} operators: split the gate", self._next.column)
        return self._take()

    def _chain(self, operators: frozenset[str], operand: Callable[[], Expression]) -> Expression:
        left = operand()
        while self._is(*operators):
            sign = self._operator()
            left = Binary(sign.text, left, operand(), sign.column)
        return left

    def _either(self) -> Expression:
        return self._chain(frozenset({"or"}), self._both)

    def _both(self) -> Expression:
        return self._chain(frozenset({"and"}), self._negation)

    def _negation(self) -> Expression:
        if not self._is("not"):
            return self._comparison()
        sign = self._take()
        return Unary("not", self._deeper(self._negation), sign.column)

    def _comparison(self) -> Expression:
        left = self._sum()
        if self._is("not"):
            sign = self._take()
            self._expect("in", "after not")
            return Unary("not", Binary("in", left, self._sum(), sign.column), sign.column)
        if not self._is(*COMPARISONS):
            return left
        sign = self._take()
        return Binary(sign.text, left, self._sum(), sign.column)

    def _sum(self) -> Expression:
        return self._chain(frozenset({"+", "-"}), self._product)

    def _product(self) -> Expression:
        return self._chain(frozenset({"*", "/", "//", "%"}), self._sign)

    def _sign(self) -> Expression:
        if not self._is("-"):
            return self._place()
        sign = self._take()
        return Unary("-", self._deeper(self._sign), sign.column)

    def _place(self) -> Expression:
        tree = self._atom()
        while self._is(".", "["):
            sign = self._operator()
            if sign.text == "[":
                tree = Item(tree, self.expression(), sign.column)
                self._expect("]", "after the key")
            else:
                word = self._take()
                if word.kind is not Kind.WORD:
                    raise ExpressionError(f"expected the name of a field, found {word.text}", word.column)
                tree = Item(tree, Constant(word.text, word.column), sign.column)
        return tree

    def _atom(self) -> Expression:
        token = self._take()
        match token.kind:
            case Kind.NUMBER:
                return Constant(_number(token), token.column)
            case Kind.TEXT:
                return Constant(_text(token), token.column)
            case Kind.WORD if token.text in CONSTANTS:
                return Constant(CONSTANTS[token.text], token.column)
            case Kind.WORD if token.text not in WORDS:
                if not self._is("("):
                    return Field(token.text, token.column)
                self._take()
                return Call(token.text, self._arguments(")"), token.column)
            case Kind.SIGN if token.text == "(":
                tree = self.expression()
                self._expect(")", f"for the ( in column {token.column + 1}")
                return tree
            case Kind.SIGN if token.text == "[":
                return Listing(self._arguments("]"), token.column)
        raise ExpressionError(f"expected a value, found {token.text}", token.column)

    def _arguments(self, closing: str) -> tuple[Expression, ...]:
        items: list[Expression] = []
        while not self._is(closing):
            if items:
                self._expect(",", f"or {closing}")
            items.append(self.expression())
        self._take()
        return tuple(items)


def _number(token: Token) -> int | float:
    if len(token.text) > _MAX_DIGITS:
        raise ExpressionError(f"a number has at most {_MAX_DIGITS} digits", token.column)
    if token.text.isdigit():
        return int(token.text)
    value = float(token.text)
    if value == float("inf"):
        raise ExpressionError("this number is too large", token.column)
    return value


def _text(token: Token) -> str:
    inner, out, at = token.text[1:-1], [], 0
    while (slash := inner.find("\\", at)) >= 0:
        escaped = inner[slash + 1]
        if escaped not in _ESCAPES:
            raise ExpressionError(f"\\{escaped} means nothing in a text", token.column + slash + 1)
        out += [inner[at:slash], _ESCAPES[escaped]]
        at = slash + 2
    return "".join([*out, inner[at:]])
