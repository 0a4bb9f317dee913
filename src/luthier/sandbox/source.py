"""What can be said of user code without running it: it parses, defines its function, and imports what there is."""

import ast
import sys
from collections.abc import Iterator

from luthier.errors import SandboxError
from luthier.sandbox.packages import Packages

# OpenAI's limit for the source of a python grader.
MOST_SOURCE_BYTES = 256_000


def check_source(source: str, function: str, parameters: int, packages: Packages | None = None) -> None:
    """SandboxError if ``source`` certainly cannot be called with ``parameters`` arguments.

    With ``packages``, top-level imports that no ``try`` guards must be there.
    """
    size = len(source.encode("utf-8", "replace"))
    if size > MOST_SOURCE_BYTES:
        raise _error(f"a source of {size} bytes", f"at most {MOST_SOURCE_BYTES} bytes", "shorten it, or pass data in")
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise _error(f"source that is not Python: {error}", "Python source text", "mend that line") from error
    _check_function(tree, function, parameters)
    if packages is not None:
        _check_imports(tree, packages)


def _check_function(tree: ast.Module, function: str, parameters: int) -> None:
    wanted = f"a function {function} that can be called with {parameters} arguments"
    fix = f"write `def {function}({', '.join(('sample', 'item', *'abcdefgh')[:parameters])}):` at the top level"
    found = None
    for statement in _top_level(tree.body):
        match statement:
            case ast.FunctionDef(name=name, args=arguments) if name == function:
                found = arguments
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Lambda(args=arguments)) if name == function:
                found = arguments
            case ast.AsyncFunctionDef(name=name) if name == function:
                raise _error(f"{function} is an async function", wanted, "write it without async")
            case ast.ClassDef(name=name) if name == function:
                raise _error(f"{function} is a class", wanted, fix)
            case ast.Assign() | ast.AnnAssign() | ast.ImportFrom() | ast.Import() if function in _bound(statement):
                # Made at run time; nothing certain can be said.
                return
    if found is None:
        raise _error(f"source without a function {function}", wanted, fix)
    if not _takes(found, parameters):
        raise _error(f"{function}({ast.unparse(found)})", wanted, fix)


def _takes(arguments: ast.arguments, count: int) -> bool:
    positional = len(arguments.posonlyargs) + len(arguments.args)
    fewest = positional - len(arguments.defaults)
    needs_keyword = any(default is None for default in arguments.kw_defaults)
    return fewest <= count and (count <= positional or arguments.vararg is not None) and not needs_keyword


def _check_imports(tree: ast.Module, packages: Packages) -> None:
    for statement in tree.body:
        match statement:
            case ast.Import(names=names):
                modules = [alias.name for alias in names]
            case ast.ImportFrom(module=str(module), level=0):
                modules = [module]
            case _:
                continue
        for module in modules:
            package = module.partition(".")[0]
            if package not in sys.stdlib_module_names and package not in packages.imports:
                there = ", ".join(sorted(packages.imports)) or "none"
                raise _error(
                    f"line {statement.lineno} imports {package}, which the sandbox does not have",
                    f"Python's standard library or one of these packages: {there}",
                    f"install {package} beside luthier and allow it, or do without it",
                )


def _top_level(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """Statements that bind names of the module, also under if, try and with."""
    for statement in body:
        yield statement
        match statement:
            case ast.If() | ast.With() | ast.Try() | ast.For() | ast.While():
                for part in ("body", "orelse", "finalbody"):
                    yield from _top_level(getattr(statement, part, []))
                for handler in getattr(statement, "handlers", []):
                    yield from _top_level(handler.body)


def _bound(statement: ast.stmt) -> set[str]:
    names = {node.id for node in ast.walk(statement) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    return names | {alias.asname or alias.name for node in ast.walk(statement) for alias in getattr(node, "names", [])}


def _error(found: str, expected: str, fix: str) -> SandboxError:
    return SandboxError(found=found, expected=expected, fix=fix)
