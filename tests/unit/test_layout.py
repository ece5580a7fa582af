"""The layout keeps its bounds: sizes, circles, names. Read from the code, without importing it."""

import ast
import re
from collections import Counter, defaultdict
from functools import cache

import pytest

from tests.conftest import ROOT

FOLDERS = {"mediafm_store": ROOT, "mediafm_cli": ROOT / "cli", "mediafm_indexes": ROOT / "indexes"}
MOST_LINES = 1500
"""Of a room; the commands are one file each, none of which imports another."""
LARGER = {"mediafm_cli.commands"}
MOST_SHARED = 9
"""Names that functions of three modules or more may share."""
MOST_LINES_OF_A_FILE, MOST_LINES_OF_A_FUNCTION, MOST_PARAMETERS = 300, 60, 8
POOR_START = re.compile(r"(Of|The same|Those|What|Whether) ")
"""Words that a docstring does not begin with: its first sentence names the thing."""


@cache
def modules():
    """Name -> tree, of all of the project's own packages."""
    found = {}
    for package, folder in FOLDERS.items():
        for path in sorted((folder / package).rglob("*.py")):
            parts = path.relative_to(folder).with_suffix("").parts
            name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
            found[name] = ast.parse(path.read_text(encoding="utf-8"))
    assert len(found) > 100
    return found


@cache
def imports():
    """Module -> the modules that it imports, wherever in it."""
    graph = defaultdict(set)
    for module, tree in modules().items():
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and node.module:
                for alias in node.names:
                    whole = f"{node.module}.{alias.name}"
                    graph[module].add(whole if whole in modules() else node.module)
            elif isinstance(node, ast.Import):
                graph[module] |= {alias.name for alias in node.names}
    return {module: found & modules().keys() - {module} for module, found in graph.items()}


def path_of(module):
    """The file of a module."""
    path = FOLDERS[module.split(".")[0]].joinpath(*module.split("."))
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def functions():
    """Name with its module and tree, of each function and method, inner ones included."""
    for module, tree in modules().items():
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield f"{module}.{node.name}", node


def large_functions(size, most):
    """Names of the functions beyond a bound, but for commands: their parameters are options."""
    return {
        name: size(node)
        for name, node in functions()
        if size(node) > most and not name.startswith("mediafm_cli.commands.")
    }


def circle(start):
    """The way from a module back to itself by what is imported; none if there is none."""
    ways = {start: [start]}
    waiting = [start]
    while waiting:
        module = waiting.pop()
        for other in imports().get(module, ()):
            if other == start:
                return [*ways[module], start]
            if other not in ways:
                ways[other] = [*ways[module], other]
                waiting.append(other)
    return []


def defined(kind):
    """Name -> the modules that define a class or a function of that name."""
    found = defaultdict(list)
    for module, tree in modules().items():
        for node in tree.body:
            if isinstance(node, kind):
                found[node.name].append(module)
    return found


def test_no_two_modules_import_each_other():
    # The package itself loads what is asked of it, and is imported for that by the command line.
    ways = [circle(module) for module in sorted(modules()) if module != "mediafm_store"]
    assert [way for way in ways if way and "mediafm_store" not in way] == []


def test_no_room_is_too_large():
    lines = Counter()
    for module, tree in modules().items():
        last = max((node.end_lineno or 0 for node in tree.body), default=0)
        lines[".".join(module.split(".")[:2])] += last
    assert {room for room, count in lines.items() if count > MOST_LINES} == LARGER


def test_no_file_is_too_long():
    lines = {module: len(path_of(module).read_text("utf-8").splitlines()) for module in modules()}
    assert {m: count for m, count in lines.items() if count > MOST_LINES_OF_A_FILE} == {}


def test_no_function_is_too_long():
    def lines(node):
        return node.end_lineno - node.lineno + 1

    assert large_functions(lines, MOST_LINES_OF_A_FUNCTION) == {}


def test_no_function_has_too_many_parameters():
    def parameters(node):
        return len([*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs])

    assert large_functions(parameters, MOST_PARAMETERS) == {}


def test_docstrings_name_the_thing():
    docs = [(name, ast.get_docstring(node) or "") for name, node in functions()]
    assert [(name, text) for name, text in docs if POOR_START.match(text)] == []


def test_a_class_has_a_name_of_its_own():
    assert {n: where for n, where in defined(ast.ClassDef).items() if len(where) > 1} == {}


def test_few_functions_share_a_name():
    shared = {n for n, where in defined(ast.FunctionDef).items() if len(where) > 2}
    assert len(shared) <= MOST_SHARED, sorted(shared)


@pytest.mark.parametrize(
    "leaf", ["mediafm_indexes", "mediafm_store.metrics", "mediafm_store.weights"]
)
def test_leaves_know_nothing_of_the_rest(leaf):
    own = [m for m in modules() if m == leaf or m.startswith(f"{leaf}.")]
    assert own
    assert {o for m in own for o in imports().get(m, ()) if not o.startswith(leaf)} == set()


def room_of(module):
    """The package that a module of mediafm_store lies in, and the rest of its name."""
    parts = module.split(".")
    return ".".join(parts[:2]), ".".join(parts[2:])


def door_of(room):
    """`__all__` of a package: the modules, or the names, that others may import."""
    lists = [n.value for n in modules()[room].body if isinstance(n, ast.Assign)]
    (door,) = [one for one in lists if isinstance(one, ast.List)] or [ast.List([])]
    return set(ast.literal_eval(door))


def test_rooms_are_entered_by_their_doors():
    rooms = {
        f"mediafm_store.{p.parent.name}" for p in (ROOT / "mediafm_store").glob("*/__init__.py")
    }
    assert len(rooms) > 40
    used = defaultdict(set)
    for module, tree in modules().items():
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and node.module:
                for alias in node.names:
                    whole = f"{node.module}.{alias.name}"
                    room, inside = room_of(whole if whole in modules() else node.module)
                    if room in rooms and room_of(module)[0] != room and whole != room:
                        used[room].add(inside.split(".")[0] or alias.name)
    assert {room: used[room] - door_of(room) for room in rooms if used[room] - door_of(room)} == {}
    idle = {f"{room}.{name}" for room in rooms for name in door_of(room) - used[room]}
    assert idle & modules().keys() == set()
