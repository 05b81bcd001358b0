"""Commands on predictions: to write those of a project's models, for another project to judge."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from fitgate.cli.projects import say_absent
from fitgate.data.table import check_format, write_table
from fitgate.model import Model, ModelError
from fitgate.runs import ModelFailed, train
from fitgate.runs.predictions import prediction_columns
from fitgate.runs.training import failing
from fitgate.tasks import Task, TaskData

DIRECTORY = Path("predictions")


def add_commands(commands: Any) -> None:
    """Declare them to a parser's subparsers."""
    predict = commands.add_parser(
        "predict",
        help="write what models answer about the test split, for Model(predictions=...)",
        description="Fit models of the project around the current directory, or load their artefacts, and write what "
        "they answer about the test split: ids, true labels, predictions, and the scores and probabilities that they "
        "give, to the last digit. Model(predictions=...) judges such a file, here or elsewhere, as the model itself.",
    )
    predict.add_argument("models", nargs="+", metavar="MODEL", help="names of models")
    predict.add_argument("--task", metavar="NAME", help="on which task alone (default: all that are not slow)")
    predict.add_argument("--profile", metavar="NAME", help="size of the data (default: as the project has it)")
    predict.add_argument("--seed", type=int, metavar="N", help="to build with (default: that of a session)")
    predict.add_argument(
        "--format", choices=("csv", "parquet"), default="csv", help="of the files (default: csv); Parquet needs pyarrow"
    )
    predict.add_argument(
        "--out",
        type=Path,
        default=DIRECTORY,
        metavar="DIR",
        help=f"for a file of each model and task (default: {DIRECTORY})",
    )
    predict.set_defaults(run=_predict)


def _predict(options: argparse.Namespace) -> int:
    from fitgate.plugin.project import project

    around = project(Path.cwd(), options.profile)
    say_absent(around)
    asked = [(model, task) for name in options.models for model, task in _asked(around.models, name, options.task)]
    for model, task in asked:
        path = options.out / f"{model.name}-{task.name}.{options.format}"
        check_format(path, str(path))
        seed = around.seed_of(model, task) if options.seed is None else options.seed
        columns = _predictions(model, around.tasks[task.name], seed)
        write_table(path, columns)
        print(f"wrote {path}: {len(columns['id']):,} test examples")
    return int(bool(around.absent))


def _predictions(model: Model, data: TaskData, seed: int) -> dict[str, Sequence[Any]]:
    """What a model answers about the test split.

    Raises:
        ModelError: if it fails.
    """
    try:
        trained = train(model, data, seed)
        with failing(model.name, data.task.name, "predict"):
            return prediction_columns(trained.estimator, data)
    except ModelFailed as error:
        raise ModelError(
            f"{model.name} on {data.task.name}",
            found=f"a failure to {error.failure.stage}: {error.failure.error}",
            expected="predictions",
            next_step="mend the model",
        ) from error


def _asked(models: Any, name: str, task: str | None) -> list[tuple[Model, Task]]:
    """A model on its tasks that are asked for.

    Raises:
        ModelError: if there is no such model or task, or a library that it requires is missing.
    """
    model = models.get(name)
    if model is None:
        found, expected = f"no model {name!r}", f"one of {', '.join(sorted(models)) or 'the project: it has none'}"
    elif model.missing:
        found, expected = f"no {', '.join(model.missing)}, which {name} requires", "its libraries"
    elif tasks := [one for one in model.tasks if one.name == task or (task is None and not one.slow)]:
        return [(model, one) for one in tasks]
    else:
        found, expected = f"no task {task or 'that is not slow'} of {name}", ", ".join(one.name for one in model.tasks)
    raise ModelError("fitgate predict", found=found, expected=expected, next_step="correct the name, or install them")
