"""Loading: what a file holds in the place of a fit: a model that was trained elsewhere, or its predictions."""

from __future__ import annotations

from typing import Any

from fitgate.engines import ArtefactError, NotServed, fileformat, foreign, safetensors, skops
from fitgate.errors import in_one_line
from fitgate.model import Model
from fitgate.protocols import TakesWeights, offered
from fitgate.runs.predictions import read_predictions
from fitgate.runs.source import Source, read_source, shown_path
from fitgate.tasks import TaskData


def loaded(model: Model, data: TaskData, seed: int) -> tuple[Any, Source]:
    """What stands for a model's fitted estimator, and the file that it comes from.

    Args:
        model: with an artefact or predictions.
        data: the task that it is judged on.
        seed: to build with what takes weights.

    Raises:
        ArtefactError: if the file can't be read, or holds no model, or models are to be fitted in folds.
        DataError: if predictions are not those of the test split.
        Exception: whatever building an estimator, or what takes its weights, raises.
    """
    kind, where = "predictions" if model.predictions else "artefact", shown_path(model.file)
    if data.dataset.folds is not None:
        raise ArtefactError(
            where,
            found="a model that is not trained here, on data that is tested in folds",
            expected="data with a test split: in each fold, another model is fitted",
            next_step="leave out evaluation=CrossValidation(...)",
        )
    if not model.predictions:
        fileformat.format_of(model.file, where)
    try:
        source, content = read_source(kind, model.file)
    except OSError as error:
        raise ArtefactError(
            where, found=error.strerror or str(error), expected=f"a file of its {kind}", next_step="check the path"
        ) from error
    if model.predictions:
        return read_predictions(model.file, where, data), source
    fileformat.check_content(content, where)
    try:
        return _estimator(model, where, content, data, seed), source
    except NotServed as error:
        raise ArtefactError(
            where, found=str(error), expected="a whole model", next_step="write it again, or judge its predictions"
        ) from error


def _estimator(model: Model, where: str, content: bytes, data: TaskData, seed: int) -> Any:
    match fileformat.format_of(model.file, where):
        case fileformat.SKOPS:
            return _by_skops(model, where, content)
        case fileformat.ONNX:
            return foreign.load_foreign(content, data.classes)
    estimator = model.build(seed)
    takes = offered(estimator, TakesWeights)
    if takes is None:
        raise ArtefactError(
            where,
            found=f"weights for {type(estimator).__name__}, which takes none",
            expected="an estimator with import_weights, see fitgate.protocols.TakesWeights",
            next_step="let `build` make one",
        )
    takes.import_weights(safetensors.loads(content))
    return estimator


def _by_skops(model: Model, where: str, content: bytes) -> Any:
    if refused := [name for name in skops.foreign(content) if name not in model.trusted]:
        raise ArtefactError(
            where,
            found=f"{', '.join(refused)}, of which nothing was loaded",
            expected="types of scikit-learn's, and those that the model names in `trusted`",
            next_step=f"see what these do, and name them: trusted={tuple(refused)!r}",
        )
    try:
        return skops.load(content, model.trusted)
    except Exception as error:  # of a class that is not there, or is of another version
        raise NotServed(f"what skops can't load here ({in_one_line(error)})") from error
