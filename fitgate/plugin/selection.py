"""The selection: which models and tasks take part in a session."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from fitgate.errors import FitgateError
from fitgate.model import Model, ModelError
from fitgate.record import Settings
from fitgate.tasks import Task, TaskError


class Selection:
    """All models and tasks but the slow ones, or those that the settings name.

    Args:
        settings: what is in force.
    """

    def __init__(self, settings: Settings):
        self._settings = settings

    def takes_part(self, task: Task) -> bool:
        """Whether a task does."""
        return task.name in self._settings.tasks if self._settings.tasks else not task.slow

    def narrowed(self, model: Model) -> Model | None:
        """A model with those of its tasks that take part; None where none does."""
        return model.narrowed(self.takes_part)

    def models(self, known: Mapping[str, Model]) -> list[Model]:
        """The models that take part, narrowed: in the order in which they are named, else by name."""
        names = self._settings.models or sorted(name for name, model in known.items() if not model.slow)
        return [model for name in names if (model := self.narrowed(known[name]))]

    def check(self, models: Mapping[str, Model], tasks: Mapping[str, Task]) -> None:
        """Refuse options that name what there is not, and a model that is named and has no task left.

        Args:
            models, tasks: all that there are, by name.

        Raises:
            FitgateError: if there is one.
        """
        self._check_names("--fit-models", self._settings.models, "models", models, ModelError)
        self._check_names("--gate-require", self._settings.require, "models", models, ModelError)
        self._check_names("--fit-tasks", self._settings.tasks, "tasks", tasks, TaskError)  # models bring theirs along
        for name in self._settings.models:
            if self.narrowed(models[name]) is None:
                left = ", ".join(task.name for task in tasks.values() if self.takes_part(task))
                raise ModelError(
                    "--fit-models",
                    found=f"{name!r}, none of whose tasks takes part",
                    expected=f"a model on {left or 'a task that is not slow'}",
                    next_step=f"name one of its tasks by --fit-tasks: {', '.join(t.name for t in models[name].tasks)}",
                )

    @staticmethod
    def _check_names(
        option: str, names: Iterable[str], what: str, known: Mapping[str, object], error: type[FitgateError]
    ) -> None:
        for name in names:
            if name not in known:
                raise error(
                    option,
                    found=f"{name!r}",
                    expected=f"one of the {what}: {', '.join(sorted(known)) or 'there are none'}",
                    next_step="correct the name",
                )
