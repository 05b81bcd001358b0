"""Data flows one way: a room of the harness imports only from the floors below it."""

import ast
import subprocess
import sys
from pathlib import Path

HARNESS = Path(__file__).parents[1] / "harness"

FLOORS = (
    ("datasets", "tasks", "statistics", "machine", "once", "parallel"),
    ("model", "metrics", "agreement"),
    ("training", "timing"),
    ("evaluation", "memory", "serving"),
    ("baseline",),
    ("gates", "story"),
    ("record", "regression"),
    ("reporting", "blessing"),
    ("pytest_plugin", "cli"),
)
FLOOR = {room: level for level, rooms in enumerate(FLOORS) for room in rooms}


def imports(path):
    """Every module that a file imports, at its top or inside a function."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom):
            yield node.module
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def modules():
    """Room and path of every module of the harness."""
    for path in sorted(HARNESS.rglob("*.py")):
        if path.parent != HARNESS or path.stem != "__init__":
            yield path.relative_to(HARNESS).parts[0].removesuffix(".py"), path


def test_a_room_imports_only_from_the_floors_below():
    upward = [
        f"{path.relative_to(HARNESS)} imports {name}"
        for room, path in modules()
        for name in imports(path)
        if name.startswith("suite.harness.")
        if (other := name.split(".")[2]) != room and FLOOR[other] >= FLOOR[room]
    ]
    assert not upward


def test_each_library_has_its_room():
    rooms = {"pytest": {"pytest_plugin"}, "matplotlib": {"reporting"}, "jax": set(), "flax": set(), "torch": set()}
    strangers = [
        f"{path.relative_to(HARNESS)} imports {name}"
        for room, path in modules()
        for name in imports(path)
        if room not in rooms.get(name.split(".")[0], {room})
    ]
    assert not strangers


def test_collecting_the_suite_imports_no_heavy_library():
    """Of a whole collection: all models, all tests."""
    program = """
import sys, pytest
status = pytest.main(["--collect-only", "-q", "-p", "no:cacheprovider"])
heavy = {"jax", "flax", "torch", "matplotlib", "sklearn", "scipy", "pandas"} & set(sys.modules)
sys.exit(f"{status=} {heavy=}" if status or heavy else 0)
"""
    root = HARNESS.parents[1]
    result = subprocess.run([sys.executable, "-c", program], cwd=root, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    assert "test_gate[cnn-digits-accuracy>=0.95]" in result.stdout
