"""Parameters: an unfitted estimator in words, the same in every process for the same one, and for another others."""

from __future__ import annotations

import functools
import hashlib
import inspect
from collections.abc import Callable, Mapping
from enum import Enum
from types import BuiltinFunctionType, FunctionType, MethodType
from typing import Any, Protocol

import numpy as np

from fitgate.data import DataError
from fitgate.data.digest import digest
from fitgate.protocols import offered

MOST_DEPTH = 50
PLAIN = (bool, int, float, complex, str, bytes, type(None), type(...))


class Undescribed(Exception):
    """Something of which two that differ could not be told apart; its text says what, as a noun."""


class Parametrised(Protocol):
    """scikit-learn's estimators: what they are is in their parameters."""

    def get_params(self, deep: bool = True) -> Mapping[str, Any]: ...


class Description:
    """An object in words, and what it is made of.

    Args:
        value: an estimator, or anything else.

    Attributes:
        digest: SHA-256, in hex, of the words.
        made_of: the classes and functions in it.

    Raises:
        Undescribed: if it holds what has no words, such as a random generator.
    """

    def __init__(self, value: object):
        self.made_of: dict[str, Callable[..., Any]] = {}
        self.digest = hashlib.sha256(self._words(value, ()).encode()).hexdigest()

    @property
    def names(self) -> frozenset[str]:
        """The classes and functions, as `package.module.Class`."""
        return frozenset(self.made_of)

    @property
    def files(self) -> list[str]:
        """The files that they are in, as far as there are such."""
        found = (inspect.getsourcefile(one) for one in self.made_of.values() if not _is_built_in(one))
        return sorted({file for file in found if file})

    def _words(self, value: Any, within: tuple[int, ...]) -> str:
        if type(value) in PLAIN:
            return repr(value)
        if id(value) in within or len(within) > MOST_DEPTH:
            raise Undescribed(f"a {type(value).__name__} that holds itself")
        inner = functools.partial(self._words, within=(*within, id(value)))
        if isinstance(value, type | FunctionType | BuiltinFunctionType | MethodType | np.ufunc):
            return self._named(value, inner)
        if isinstance(value, Enum):
            return f"{self._named(type(value), inner)}.{value.name}"
        if isinstance(value, np.generic):
            return f"{value.dtype.str}:{value.item()!r}"
        if type(value) in (list, tuple):
            return f"{type(value).__name__}({','.join(map(inner, value))})"
        if type(value) in (set, frozenset):
            return f"{type(value).__name__}({','.join(sorted(map(inner, value)))})"
        if type(value) is dict:
            return f"dict({','.join(f'{inner(k)}:{inner(v)}' for k, v in value.items())})"
        if isinstance(value, functools.partial):
            return f"partial({inner(value.func)},{inner(value.args)},{inner(value.keywords)})"
        return self._object(value, inner)

    def _object(self, value: Any, inner: Callable[[Any], str]) -> str:
        name = self._named(type(value), inner)
        parametrised = offered(value, Parametrised)
        if parametrised is not None:
            return f"{name}({inner(dict(parametrised.get_params(deep=False)))})"
        if hasattr(value, "__dict__"):
            return f"{name}({inner(dict(vars(value)))})"
        try:
            return f"{name}({digest(value)})"
        except (DataError, TypeError, AttributeError):
            raise Undescribed(f"a {type(value).__name__}, of which two can't be told apart") from None

    def _named(self, value: Any, inner: Callable[[Any], str]) -> str:
        """A class or a function by its name, with what a function keeps besides its code."""
        if isinstance(value, MethodType):
            return f"{self._named(value.__func__, inner)} of {inner(value.__self__)}"
        module = "numpy" if isinstance(value, np.ufunc) else value.__module__
        name = f"{module}.{value.__name__ if isinstance(value, np.ufunc) else value.__qualname__}"
        self.made_of[name] = value
        if not isinstance(value, FunctionType):
            return name
        cells = [cell.cell_contents for cell in value.__closure__ or ()]
        kept = [value.__defaults__, value.__kwdefaults__, cells]
        return f"{name}@{value.__code__.co_firstlineno}{inner(kept)}" if any(kept) else name


def _is_built_in(value: Any) -> bool:
    try:
        return inspect.getsourcefile(value) is None
    except TypeError:
        return True
