"""Data flows one way: a room of the harness imports only from the floors below it."""

import ast
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]

# From the lowest floor up: a room imports only from those below it. Suite and models stand on the library.
FLOORS = (
    ("statistics", "machine"),
    ("data", "tasks"),
    ("metrics", "model"),
    ("executor",),
    ("runs", "latency"),
    ("gates",),
    ("record",),
    ("report",),
    ("plugin", "ab"),
    ("sabotage",),
    ("cli",),
)
FLOOR = {room: level for level, rooms in enumerate(FLOORS) for room in rooms}
KNOWN = {
    "fitgate.gates.blessing imports fitgate.record",
}


def imports(path):
    """Every module that a file imports, at its top or inside a function."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom):
            yield node.module
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def modules(package):
    """Name and path of every module of a package."""
    for path in sorted((ROOT / package).rglob("*.py")):
        yield ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"), path


def room(name):
    """The room of the library that a module is in; None for the package itself."""
    package, _, rest = name.partition(".")
    return rest.partition(".")[0] or None if package == "fitgate" else None


def test_a_room_imports_only_from_the_floors_below():
    upward = [
        f"{name} imports {other}"
        for name, path in modules("fitgate")
        for other in imports(path)
        if room(name) in FLOOR and room(other) in FLOOR
        if room(other) != room(name) and FLOOR[room(other)] >= FLOOR[room(name)]
    ]
    assert set(upward) <= KNOWN


def test_collecting_the_suite_imports_no_heavy_library():
    """Of a whole collection: all models, all tests."""
    program = """
import sys, pytest
status = pytest.main(["--collect-only", "-q", "-p", "no:cacheprovider"])
heavy = {"jax", "flax", "torch", "matplotlib", "sklearn", "scipy", "pandas"} & set(sys.modules)
sys.exit(f"{status=} {heavy=}" if status or heavy else 0)
"""
    result = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    assert "test_gate[cnn-digits-accuracy>=0.95]" in result.stdout
