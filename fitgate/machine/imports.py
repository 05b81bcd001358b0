"""Imports: which files a Python file is made of, less what is installed, by their import statements alone."""

from __future__ import annotations

import ast
import hashlib
import sys
import sysconfig
from collections.abc import Iterator
from functools import cache
from pathlib import Path

OWN = Path(__file__).parents[1]  # this library's, whose sources count as a whole
INSTALLED_IN = frozenset({"site-packages", "dist-packages"})
INSTALLED = tuple(Path(sysconfig.get_path(name)) for name in ("purelib", "platlib", "stdlib"))


class Sources:
    """The files of a project and of other code that is not installed, each read once.

    Args:
        root: of the project.
    """

    def __init__(self, root: Path):
        self._root = root.absolute()
        places = (Path(entry).absolute() for entry in sys.path if entry)
        self._places = [self._root, *filter(self._is_own, places)]
        self._imported: dict[Path, tuple[str, list[Path]]] = {}

    def of(self, *files: Path) -> dict[str, str]:
        """SHA-256, in hex, of files and of all that they import, less what is installed, by their paths.

        Paths in the project begin there. Of this library, all modules have one digest together. Imports within
        functions count; those that are made by name, as `import_module` does, are not seen.
        """
        found, ahead = {"fitgate": library_digest()}, [file.absolute() for file in files]
        while ahead:
            file = ahead.pop()
            inside = file.is_relative_to(self._root)
            name = (file.relative_to(self._root) if inside else file).as_posix()
            if name not in found and self._is_own(file):
                found[name], imported = self._read(file)
                ahead += imported
        return found

    def _read(self, file: Path) -> tuple[str, list[Path]]:
        """A file's digest, and the project's files that it imports."""
        if file not in self._imported:
            try:
                content = file.read_bytes()
            except OSError:
                content = b""
            try:
                names = list(_names(ast.parse(content)))
            except (SyntaxError, ValueError):
                names = []
            imported = [one for level, name in names for one in self._files(file, level, name)]
            self._imported[file] = hashlib.sha256(content).hexdigest(), imported
        return self._imported[file]

    def _files(self, file: Path, level: int, name: str) -> Iterator[Path]:
        """The files of a module and of the packages around it, where it is not installed."""
        bases = [file.parents[level - 1]] if level else [*self._places, file.parent, _outside(file)]
        parts = name.split(".") if name else []
        for base in bases:
            for i in range(len(parts) + 1):
                place = base.joinpath(*parts[:i])
                for found in (place / "__init__.py", place.with_name(f"{place.name}.py")):
                    if found.is_file() and self._is_own(found):
                        yield found
                if not place.is_dir():
                    break

    def _is_own(self, path: Path) -> bool:
        """Whether a file is neither installed, be it in the project, nor this library's."""
        if path.is_relative_to(OWN) or any(path.is_relative_to(place) for place in INSTALLED):
            return False
        inside = path.relative_to(self._root).parts if path.is_relative_to(self._root) else ()
        return INSTALLED_IN.isdisjoint(path.parts) and not any(part.startswith(".") for part in inside)


def _outside(file: Path) -> Path:
    """The directory that holds a file's package, of those that are in others the outermost."""
    return next(folder for folder in file.parents if not (folder / "__init__.py").exists())


@cache
def library_digest() -> str:
    """SHA-256, in hex, of all of this library's modules."""
    found = hashlib.sha256()
    for path in sorted(OWN.rglob("*.py")):
        found.update(f"{path.relative_to(OWN).as_posix()}\0".encode() + path.read_bytes())
    return found.hexdigest()


def _names(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """The modules that are imported, each with how many packages up it is looked for; an attribute may be one."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((0, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from ((node.level, ".".join(filter(None, (node.module, alias.name)))) for alias in node.names)
