"""Find a piece of code by its syntax tree and put a broken one in its place.

A piece is one expression or some statements in a row. It stands within a function, method, class, assigned
name or keyword, one in another (`Class.method`, `ADAPTER.tokens_from`; "" is the whole file). Line breaks,
quotes, comments and the rest of the file play no part; a piece must be found exactly once.
"""

import ast
from collections.abc import Iterator

_BLOCKS = ("body", "orelse", "finalbody")


def planted(source: str, where: str, before: str, after: str) -> str:
    """The source with `before` replaced by `after`. Raises: LookupError if it is not found exactly once."""
    tree, (old, new) = ast.parse(source), _pieces(before, after)
    found = list(_places(_within(tree, where), old))
    if len(found) != 1:
        message = f"{before!r} is found {len(found)} times in {where or 'the file'}"
        raise LookupError(message)
    owner, name, at, count = found[0]
    if at is None:
        setattr(owner, name, new)
    else:
        getattr(owner, name)[at : at + count] = new if isinstance(new, list) else [new]
    return ast.unparse(ast.fix_missing_locations(tree))


def _pieces(before: str, after: str) -> tuple[ast.expr, ast.expr] | tuple[list[ast.stmt], list[ast.stmt]]:
    try:
        return ast.parse(before, mode="eval").body, ast.parse(after, mode="eval").body
    except SyntaxError:
        return ast.parse(before).body, ast.parse(after).body


def _within(tree: ast.AST, where: str) -> ast.AST:
    for name in filter(None, where.split(".")):
        named = [node for node in ast.iter_child_nodes(tree) if getattr(node, "name", None) == name]
        named = named or list(_values_of(tree, name))
        if len(named) != 1:
            message = f"{where}: {name} is found {len(named)} times"
            raise LookupError(message)
        tree = named[0]
    return tree


def _values_of(tree: ast.AST, name: str) -> Iterator[ast.AST]:
    """What is assigned to a name or passed under it."""
    for node in ast.walk(tree):
        names = [one.id for one in getattr(node, "targets", []) if isinstance(one, ast.Name)]
        if name in names or (isinstance(node, ast.keyword) and node.arg == name):
            yield node


def _places(tree: ast.AST, piece: ast.expr | list[ast.stmt]) -> Iterator[tuple[ast.AST, str, int | None, int]]:
    """Owner, field, place in its list if it is one, and of how many statements."""
    if isinstance(piece, list):
        wanted = [ast.dump(one) for one in piece]
        for node in ast.walk(tree):
            for name in _BLOCKS:
                block = getattr(node, name, None)
                if isinstance(block, list):
                    dumps = [ast.dump(one) for one in block]
                    for at in range(len(dumps) - len(wanted) + 1):
                        if dumps[at : at + len(wanted)] == wanted:
                            yield node, name, at, len(wanted)
        return
    sought = ast.dump(piece)
    for node in ast.walk(tree):
        for name, value in ast.iter_fields(node):
            for at, one in enumerate(value) if isinstance(value, list) else [(None, value)]:
                if isinstance(one, ast.expr) and ast.dump(one) == sought:
                    yield node, name, at, 1
