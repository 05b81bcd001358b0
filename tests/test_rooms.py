"""Data flows one way: a room imports only from the floors below it, in the library, the models and the suite alike."""

import ast
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]

# From the lowest floor up, as in the design; a module is in the room with the longest name that begins its own.
FLOORS = (
    ("fitgate_pytest",),
    ("fitgate.text", "fitgate.clock"),
    ("fitgate.errors",),
    ("fitgate.files", "fitgate.arrays", "fitgate.statistics"),
    ("fitgate.machine",),
    ("fitgate.data",),
    ("fitgate.metrics", "fitgate.disturbances"),
    ("fitgate.tasks",),
    ("fitgate.protocols",),
    ("fitgate.engines",),
    ("fitgate.model",),
    ("fitgate.executor",),
    ("fitgate.runs",),
    ("fitgate.latency", "fitgate.contracts"),
    ("fitgate.gates",),
    ("fitgate.record",),
    ("fitgate.report",),
    ("fitgate.bundle",),
    ("fitgate.plugin",),
    ("fitgate.checks",),
    ("fitgate.ab", "fitgate.sabotage"),
    ("fitgate.cli",),
    ("fitgate",),
    ("suite.directory", "suite.mnist", "suite.png"),
    ("suite.defects",),
    ("suite.digits", "suite.fashion"),
    ("models",),
    ("suite",),
)
FLOOR = {room: level for level, rooms in enumerate(FLOORS) for room in rooms}
OURS = ("fitgate", "fitgate_pytest", "models", "suite", "tests")
# Libraries that only some rooms may use; no other room of the library, and nothing of it where there is none.
LIBRARIES = {
    "pytest": {"fitgate_pytest", "fitgate.plugin", "fitgate.checks", "fitgate.sabotage"},
    "matplotlib": {"fitgate.report"},
    "jinja2": {"fitgate.report"},
    "mlxtend": set(),
    "jax": {"fitgate.engines"},
    "flax": set(),
    "optax": set(),
    "torch": set(),
    "sklearnex": set(),
    "skl2onnx": {"fitgate.engines"},
    "onnxruntime": {"fitgate.engines"},
    "skops": {"fitgate.engines"},
    "treelite": {"fitgate.engines"},
    "safetensors": {"fitgate.engines"},
    "pyarrow": {"fitgate.data"},
}


def imports(path):
    """Every module that a file imports, at its top or inside a function, the package of a name included."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            named = [f"{node.module}.{alias.name}" for alias in node.names if is_module(node.module, alias.name)]
            yield from named if len(named) == len(node.names) else [node.module, *named]
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def is_module(package, name):
    place = ROOT.joinpath(*package.split("."), name)
    return place.is_dir() or place.with_suffix(".py").exists()


def modules(*packages):
    """Name and path of every module of packages, their tests left out."""
    for package in packages:
        for path in sorted((ROOT / package).rglob("*.py")):
            name = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
            if not name.startswith("suite.tests"):
                yield name, path


def room(name):
    parts = name.split(".")
    prefixes = (".".join(parts[:n]) for n in range(len(parts), 0, -1))
    return next(prefix for prefix in prefixes if prefix in FLOOR)


def test_a_room_imports_only_from_the_floors_below():
    upward = [
        f"{name} imports {other}"
        for name, path in modules("fitgate", "models", "suite")
        for other in imports(path)
        if other.partition(".")[0] in OURS
        if room(other) != room(name) and FLOOR[room(other)] >= FLOOR[room(name)]
    ]
    # A package that exports its rooms' names stands above them all, and may name them.
    assert [line for line in upward if not line.startswith("fitgate imports ")] == []


def test_the_library_imports_nothing_of_this_project_but_itself():
    strangers = [
        f"{name} imports {other}"
        for name, path in modules("fitgate")
        for other in imports(path)
        if other.partition(".")[0] in {"models", "suite", "tests", "conftest"}
    ]
    assert strangers == []


def test_each_library_has_its_room():
    strangers = [
        f"{name} imports {other}"
        for name, path in modules("fitgate")
        for other in imports(path)
        if room(name) not in LIBRARIES.get(other.partition(".")[0], {room(name)})
    ]
    assert strangers == []


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
