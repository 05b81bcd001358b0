"""skops: scikit-learn's estimators as plain data, which name the types that they are made of, and hold no code."""

from __future__ import annotations

import importlib
import io
import sys
import zipfile
from collections.abc import Collection
from typing import Any

from fitgate.engines.engine import NotServed
from fitgate.machine import distributions_of

MOST = 2**32  # bytes, of all that one holds
# scikit-learn's classes but these: what they do when they are made, used or deleted is not that of estimators.
STRANGE = ("sklearn.conftest", "sklearn.datasets", "sklearn.externals", "sklearn.utils")
# Not all that NumPy and SciPy have: a `numpy.lib.npyio.DataSource` deletes a directory, and functions do anything.
KNOWN = frozenset({"sklearn.utils._bunch.Bunch", "scipy.interpolate._bsplines.BSpline"})


def dumps(estimator: Any) -> bytes:
    """A fitted estimator as skops writes it.

    Raises:
        Exception: whatever skops raises of an estimator that it can't write.
    """
    from skops import io

    return bytes(io.dumps(estimator, compression=zipfile.ZIP_DEFLATED))


def convert(estimator: Any, X: Any) -> bytes:
    """A fitted estimator for other machines.

    Raises:
        NotServed: if it holds functions or classes of this project, which are nowhere else.
        Exception: whatever skops raises of an estimator that it can't write.
    """
    content = dumps(estimator)
    if own := [name for name in foreign(content) if not _is_installed(name)]:
        raise NotServed(f"it holds {', '.join(own)}, which is this project's own, and on no other machine")
    return content


def foreign(content: bytes) -> list[str]:
    """The types and functions that it holds besides scikit-learn's own and what skops takes for harmless; sorted.

    Nothing of it is loaded.

    Raises:
        NotServed: if it is nothing of the kind, or of over 4 GiB.
    """
    return sorted(name for name in _named(content) if not _is_known(name))


def load(content: bytes, trust: Collection[str] = ()) -> Any:
    """The estimator.

    Args:
        content: as `convert` gives it.
        trust: names of types that may be loaded though they are `foreign`.

    Raises:
        NotServed: if it holds others.
        Exception: whatever loading raises.
    """
    from skops.io import loads

    named = _named(content)
    if refused := sorted(name for name in named if not _is_known(name) and name not in trust):
        raise NotServed(f"it holds {', '.join(refused)}, which is neither scikit-learn's nor trusted")
    return loads(content, trusted=named)


def _named(content: bytes) -> list[str]:
    """The types and functions that skops takes for harmful, or does not know."""
    from skops.io import get_untrusted_types

    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            size = sum(member.file_size for member in archive.infolist())
        if size <= MOST:
            return list(get_untrusted_types(data=content))
    except Exception as error:  # whatever skops, or a library beneath it, makes of a damaged file
        raise NotServed(f"it is not what skops writes ({type(error).__name__}: {error})") from error
    raise NotServed(f"it is of {size:,} bytes, more than {MOST:,}")


def _is_known(name: str) -> bool:
    """Whether it is a class of scikit-learn's estimators."""
    if name in KNOWN:
        return True
    module, _, last = name.rpartition(".")
    if not module.startswith("sklearn.") or module.startswith(STRANGE) or ".tests" in module:
        return False
    try:
        return isinstance(getattr(importlib.import_module(module), last), type)
    except (ImportError, AttributeError):
        return False


def _is_installed(name: str) -> bool:
    """Whether what has a name comes with Python or with a distribution."""
    return name.partition(".")[0] in sys.stdlib_module_names or bool(distributions_of([name]))
