"""Imports: which files of a project a Python file is made of, by the import statements in them; nothing is imported."""

from __future__ import annotations

import ast
import hashlib
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

OWN = Path(__file__).parents[1]  # this library's, whose sources count as a whole


class Sources:
    """The files of a project, each read once.

    Args:
        root: of the project; what is installed in it, such as in a virtual environment, is not the project's.
    """

    def __init__(self, root: Path):
        self._root = root.absolute()
        inside = (Path(entry).absolute() for entry in sys.path if entry)
        self._places = [self._root, *(entry for entry in inside if self._is_own(entry))]
        self._imported: dict[Path, tuple[str, list[Path]]] = {}

    def of(self, *files: Path) -> dict[str, str]:
        """SHA-256, in hex, of files and of all that they import from the project, by their paths in it.

        Imports within functions count; those that are made by name, as `import_module` does, are not seen.
        """
        found, ahead = {"fitgate": library_digest()}, [file.absolute() for file in files]
        while ahead:
            file = ahead.pop()
            name = file.relative_to(self._root).as_posix() if file.is_relative_to(self._root) else file.name
            if name not in found:
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
        """The files of a module and of the packages around it, where the project has it."""
        bases = [file.parents[level - 1]] if level else [*self._places, file.parent]
        parts = name.split(".") if name else []
        for base in bases:
            for i in range(len(parts) + 1):
                place = base.joinpath(*parts[:i])
                for found in (place / "__init__.py", place.with_name(f"{place.name}.py")):
                    if self._is_own(found) and not found.is_relative_to(OWN) and found.is_file():
                        yield found

    def _is_own(self, path: Path) -> bool:
        if not path.is_relative_to(self._root):
            return False
        parts = path.relative_to(self._root).parts
        return not any(part.startswith(".") or part == "site-packages" for part in parts)


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
