"""Writing: a fitted estimator as data that holds no code, in safetensors or by skops, and read again."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any, NamedTuple

from fitgate.engines import NotServed, safetensors, skops
from fitgate.engines.fileformat import MODULES, SAFETENSORS, SKOPS
from fitgate.machine.modules import missing
from fitgate.protocols import GivesWeights, TakesWeights, offered


class Written(NamedTuple):
    """A fitted estimator as bytes.

    Attributes:
        form: `safetensors` or `skops`.
        content: the bytes.
    """

    form: str
    content: bytes


def written(estimator: Any) -> Written:
    """A fitted estimator that gives and takes its weights as these, any other as skops writes it.

    skops may end the process that reads what it wrote: call this in one of its own.

    Raises:
        NotServed: if the library for it is not installed.
        Exception: whatever exporting weights, or skops, raises.
    """
    gives, takes = offered(estimator, GivesWeights), offered(estimator, TakesWeights)
    form = SKOPS if gives is None or takes is None else SAFETENSORS
    if lacking := missing((MODULES[form],)):
        raise NotServed(f"{form} needs {', '.join(lacking)}, which is not installed")
    if gives is not None and takes is not None:
        return Written(form, safetensors.dumps(gives.export_weights()))
    content = skops.dumps(estimator)
    skops.foreign(content)  # it ends the process here if at all
    return Written(form, content)


def read_again(found: Written, build: Callable[[], Any], trusted: Collection[str]) -> Any:
    """The fitted estimator.

    Args:
        found: as it was written.
        build: makes an unfitted one.
        trusted: names of what that is made of: these, and what their packages have, are loaded besides scikit-learn's.

    Raises:
        NotServed: if it holds anything else, is another estimator, or damaged.
        Exception: whatever building or loading raises.
    """
    estimator = build()
    if found.form == SAFETENSORS:
        takes = offered(estimator, TakesWeights)
        if takes is None:
            raise NotServed(f"{type(estimator).__name__} takes no weights")
        takes.import_weights(safetensors.loads(found.content))
        return estimator
    packages = {name.partition(".")[0] for name in trusted} - {"numpy", "scipy", "builtins"}
    own = [name for name in skops.foreign(found.content) if name in trusted or name.partition(".")[0] in packages]
    loaded = skops.load(found.content, own)
    if type(loaded) is not type(estimator):
        raise NotServed(f"a {type(loaded).__name__}, and no {type(estimator).__name__}")
    return loaded
