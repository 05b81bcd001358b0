"""Tables: named columns of a CSV or a Parquet file, each value with the place at which a reader finds it."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from operator import index
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fitgate.data.errors import DataError
from fitgate.errors import in_one_line
from fitgate.files import contents, written_whole
from fitgate.machine.modules import missing
from fitgate.text import CELL, shown

LONGEST = 2**30  # bytes of a file
FORMATS = (".csv", ".parquet")
PARQUET = "pyarrow"  # alone of those that read Parquet it needs no other library


@dataclass(frozen=True, eq=False)
class Table:
    """Rows with named columns.

    Attributes:
        where: the file, for errors.
        columns: lists of equal length: of a CSV file text, of Parquet plain values.
        lines: of a CSV file, on which each row ends; None of Parquet.
    """

    where: str
    columns: Mapping[str, Sequence[Any]]
    lines: Sequence[int] | None

    def __len__(self) -> int:
        return len(next(iter(self.columns.values())))

    def place(self, row: int) -> str:
        """Where a row stands, as `line 17`, or of Parquet `row 16`, which counts from 1."""
        return f"row {row + 1:,}" if self.lines is None else f"line {self.lines[row]:,}"

    def column(self, name: str) -> Sequence[Any]:
        """The values of a column.

        Raises:
            DataError: if there is none of that name.
        """
        if name not in self.columns:
            raise DataError(
                self.where,
                found=f"no column {name!r}, but {', '.join(self.columns)}",
                expected=f"a column {name!r}",
                next_step="add it, or rename the column that holds it",
            )
        return self.columns[name]

    def texts(self, name: str) -> list[str]:
        """A column's values as text.

        Raises:
            DataError: if there is none of that name, or a value is missing.
        """
        found = self.column(name)
        for row, value in enumerate(found):
            if value is None or value == "":
                raise self._wrong(name, row, "nothing", "a value in each row")
        return list(map(str, found))

    def numbers(self, name: str) -> NDArray[Any]:
        """A column's values as numbers: int64 where all are whole and fit, else float64.

        Raises:
            DataError: if there is none of that name, or a value is missing, or is no number; NaN is one.
        """
        found = self.column(name)
        with suppress(ValueError, TypeError, OverflowError):
            return np.array([int(value) if type(value) is str else index(value) for value in found], np.int64)
        numbers = np.empty(len(found))
        for row, value in enumerate(found):
            try:
                numbers[row] = float(value)
            except (ValueError, TypeError, OverflowError):
                what = "nothing" if value in (None, "") else repr(value)
                raise self._wrong(name, row, shown(what, CELL), "a number in each row") from None
        return numbers

    def truths(self, name: str) -> NDArray[np.bool_]:
        """A column's values as truth values, which may be written `True` and `False`, or 1 and 0.

        Raises:
            DataError: if there is none of that name, or a value is missing, or is none.
        """
        known = {"true": True, "1": True, "false": False, "0": False}
        texts = [text.lower() for text in self.texts(name)]
        for row, text in enumerate(texts):
            if text not in known:
                raise self._wrong(name, row, repr(shown(text, CELL)), "True or False in each row")
        return np.array([known[text] for text in texts], np.bool_)

    def _wrong(self, name: str, row: int, found: str, expected: str) -> DataError:
        return DataError(
            self.where,
            found=f"{found} in column {name!r}, {self.place(row)}",
            expected=expected,
            next_step="correct it there, or write the file again",
        )


def read_table(path: Path, where: str) -> Table:
    """Read a table.

    Args:
        path: a CSV file, of UTF-8 with commas and a header, or a Parquet file.
        where: what an error calls it.

    Raises:
        DataError: if it is missing, over 1 GiB, of no such format, damaged, has no row, or two columns of one name.
    """
    check_format(path, where)
    try:
        content = contents(path, LONGEST)
    except OSError as error:
        raise DataError(
            where,
            found=error.strerror or str(error),
            expected="a CSV or Parquet file",
            next_step="check the path",
        ) from error
    try:
        names, columns, lines = (_parquet if path.suffix == ".parquet" else _csv)(content)
    except Exception as error:  # of a damaged file, a library raises whatever it likes
        raise DataError(
            where,
            found=f"a damaged file ({in_one_line(error)})",
            expected=f"a whole {path.suffix.removeprefix('.')} file with a header and a row for each example",
            next_step="write it again",
        ) from error
    again, times = Counter(names).most_common(1)[0] if names else ("", 0)
    if times != 1 or not columns[0]:
        raise DataError(
            where,
            found=f"{times} columns {again!r}" if times > 1 else "no row",
            expected="a header of different names, and a row for each example",
            next_step="write it again",
        )
    return Table(where, dict(zip(names, columns, strict=True)), lines)


def write_table(path: Path, columns: Mapping[str, Sequence[Any]]) -> None:
    """Write a table, in one step.

    Args:
        path: whose suffix is the format.
        columns: lists of equal length of text, or of plain numbers or truth values; floats are read again as they are.

    Raises:
        DataError: if the format is none that can be written here.
        FileError: if the file can't be written.
    """
    check_format(path, str(path))
    with written_whole(path) as file:
        if path.suffix == ".parquet":
            import pyarrow
            from pyarrow.parquet import write_table as write_parquet

            write_parquet(pyarrow.table({name: list(values) for name, values in columns.items()}), file)
            return
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(zip(*columns.values(), strict=True))  # of floats their repr, which is the shortest exact one
        file.write(text.getvalue().encode())


def check_format(path: Path, where: str) -> None:
    """Refuse a file that is neither CSV nor Parquet by its name, and Parquet where no library for it is installed.

    Raises:
        DataError: if it is such.
    """
    if path.suffix not in FORMATS:
        raise DataError(
            where,
            found=f"a file {path.name!r}",
            expected=f"one whose name ends in {' or '.join(FORMATS)}",
            next_step="write it in one of these formats, and name it so",
        )
    if path.suffix == ".parquet" and missing((PARQUET,)):
        raise DataError(
            where,
            found=f"a Parquet file, and no {PARQUET}",
            expected=f"{PARQUET}, which reads and writes such files",
            next_step="pip install 'fitgate[parquet]', or write the table as CSV",
        )


Content = tuple[list[str], list[list[Any]], list[int] | None]  # the columns' names, their values, the rows' lines


def _csv(content: bytes) -> Content:
    reader = csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""), strict=True)
    names = next(reader, [])
    rows, lines = [], []
    for row in reader:
        if not row:  # an empty line, such as the last
            continue
        if len(row) != len(names):
            raise ValueError(f"{len(row)} values in line {reader.line_num}, and {len(names)} columns")
        rows.append(row)
        lines.append(reader.line_num)
    return names, [list(column) for column in zip(*rows, strict=True)] or [[] for _ in names], lines


def _parquet(content: bytes) -> Content:
    import pyarrow
    from pyarrow.parquet import read_table as read_parquet

    table = read_parquet(pyarrow.BufferReader(content))
    return list(table.column_names), [column.to_pylist() for column in table.columns], None
