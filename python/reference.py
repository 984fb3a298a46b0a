"""Writes docs/python-reference.md from the signatures and words of the package; `--check`: is it up to date?"""

from __future__ import annotations

import ast
import re
import sys
from itertools import pairwise, starmap
from pathlib import Path

HERE = Path(__file__).parent
PACKAGE = HERE / "alphec_execution"
PAGE = HERE.parent / "docs" / "python-reference.md"

HEAD = """# Python reference

Made from the annotations and words of the package by `python python/reference.py`; a test holds it true. The guide is
[python.md](python.md).
"""

SECTIONS: list[tuple[str, str, list[str]]] = [
    ("The client", "client.py", ["ExecutionClient", "OrderHandle"]),
    (
        "What you ask for",
        "_orders.py",
        ["OrderRequest", "GroupRequest", "Market", "Limit", "Stop", "StopLimit", "TrailingStop"],
    ),
    ("What comes out", "_native.pyi", ["Order", "Event"]),
    (
        "Records",
        "_records.py",
        [
            "Fill",
            "Position",
            "Account",
            "Quote",
            "Status",
            "Waits",
            "Halt",
            "Reconciliation",
            "StopReport",
            "Alert",
            "ForeignOrder",
        ],
    ),
    ("Risk rules", "_rules.py", ["RiskRule", "ProposedOrder", "RiskContext", "Verdict"]),
    ("Callbacks", "_subscription.py", ["Subscription"]),
    (
        "Words",
        "_enums.py",
        [
            "Side",
            "TimeInForce",
            "OrderState",
            "WhenInDoubt",
            "GroupKind",
            "LegRole",
            "LinkState",
            "Provenance",
            "Severity",
            "AlertKind",
        ],
    ),
    (
        "Errors",
        "errors.py",
        [
            "ExecutionError",
            "OrderDenied",
            "OrderRejected",
            "InDoubt",
            "NotConnected",
            "ClientStopped",
            "UnknownOrder",
            "KillNotVerified",
            "EventsMissed",
            "ConfigError",
            "JournalError",
        ],
    ),
    ("For tests", "testing/__init__.py", ["Gateway"]),
]


def page() -> str:
    lines = [HEAD]
    for title, file, names in SECTIONS:
        lines.append(f"\n## {title}\n")
        tree = ast.parse((PACKAGE / file).read_text(encoding="utf-8"))
        classes = {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}
        for name in names:
            lines += of_class(classes[name])
    return "\n".join(lines).rstrip() + "\n"


def of_class(node: ast.ClassDef) -> list[str]:
    bases = ", ".join(ast.unparse(base) for base in node.bases)
    lines = [f"### `{node.name}{f'({bases})' if bases else ''}`\n", words(node), ""]
    makes = [f"`{node.name}{signature(part).removeprefix('__init__').removesuffix(' -> None')}`" for part in made(node)]
    rows = makes + [row for row in starmap(member, pairwise([*node.body, ast.Pass()])) if row]
    return lines + [f"- {row}" for row in rows] + ([""] if rows else [])


MADE_BY_HAND = {"OrderRequest", "GroupRequest", "Gateway"}


def made(node: ast.ClassDef) -> list[ast.FunctionDef]:
    parts = [part for part in node.body if isinstance(part, ast.FunctionDef) and part.name == "__init__"]
    return parts if node.name in MADE_BY_HAND else []


def member(node: ast.stmt, after: ast.stmt) -> str | None:
    """A row of the page, with the words in it, or those under it where it is a field or a word of an enum."""
    match node:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) if not name.startswith("_"):
            return f"`{signature(node)}`{said(ast.get_docstring(node))}"
        case ast.AnnAssign(target=ast.Name(id=name)) if not name.startswith("_"):
            return f"`{ast.unparse(node)}`{said(under(after))}"
        case ast.Assign(targets=[ast.Name(id=name)]) if name.isupper():
            return f"`{name}` = `{ast.unparse(node.value)}`{said(under(after))}"
        case _:
            return None


def signature(node: ast.FunctionDef | ast.AsyncFunctionDef) -> str:
    gives = f" -> {ast.unparse(node.returns)}" if node.returns is not None else ""
    kinds = {ast.unparse(decorator) for decorator in node.decorator_list}
    if "property" in kinds:
        return f"{node.name}{gives.replace(' ->', ':')}"
    word = "await " if isinstance(node, ast.AsyncFunctionDef) and "AsyncIterator" not in gives else ""
    arguments = ast.unparse(node.args)
    for own in ("self, ", "cls, ", "self", "cls"):
        if arguments.startswith(own):
            arguments = arguments.removeprefix(own)
            break
    return f"{word}{node.name}({arguments.removeprefix('/, ')}){gives}"


def words(node: ast.ClassDef) -> str:
    return plain((ast.get_docstring(node) or "").strip())


def under(after: ast.stmt) -> str | None:
    match after:
        case ast.Expr(value=ast.Constant(value=str(text))):
            return text
        case _:
            return None


def said(text: str | None) -> str:
    return f": {plain(' '.join(text.split()))}" if text else ""


def plain(text: str) -> str:
    """The words without the markup of docstrings."""
    text = re.sub(r":(?:meth|class):`([^`]*)`", r"`\1`", text).replace("``", "`")
    text = re.sub(r"\s*:param (\w+):", r" *\1*:", text)
    return re.sub(r"\s*:raises (\w+):", r" Raises `\1`:", text)


if __name__ == "__main__":
    made = page()
    if "--check" in sys.argv:
        sys.exit(0 if PAGE.read_text(encoding="utf-8") == made else f"{PAGE} is old: run python {__file__}")
    PAGE.write_text(made, encoding="utf-8")
