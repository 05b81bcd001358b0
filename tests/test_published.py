"""Published values stand beside a run's own, and judge nothing."""

import json

import numpy as np
import pytest

from fitgate import Model, Published
from fitgate.metrics import METRICS, Outputs
from fitgate.model import ModelError
from fitgate.record import published_values, read, save
from fitgate.report import render
from fitgate.statistics import wilson_lower_bound
from tests import records
from tests.fakes import DIGITS, FIVES

KINDS = np.tile([0, 1], 50)
HERS = np.where(np.arange(100) < 10, 1 - KINDS, KINDS)
DATA = records.task_data(np.zeros((100, 2)), KINDS, metrics=("accuracy", "macro_f1"))


def published(*values):
    """A record of a model right in nine of ten, and what was published of such models."""
    record = records.record_of(DATA, {"m": HERS})
    record.published = published_values(record, [Model("m", object, (DATA.task,), published=values)], METRICS)
    return record


def row(record):
    (found,) = (line for line in render(record, {}).splitlines() if "They" in line)
    return " ".join(found.split())


def test_the_report_sets_it_beside_the_run_s_own_with_its_interval():
    record = published(Published(DATA.task, "accuracy", 0.92, source="They, 2017"))
    low, high = wilson_lower_bound(90, 100, 0.975), 1 - wilson_lower_bound(10, 100, 0.975)
    assert row(record) == f"| m | kinds | accuracy | 0.9000 ({low:.4f} to {high:.4f}) | 0.9200 | -0.0200 | They, 2017 |"


def test_a_metric_whose_bound_has_one_side_has_no_interval():
    assert "| m | kinds | macro F1 | 0.9000 | 0.8000 | +0.1000 |" in row(
        published(Published(DATA.task, "macro_f1", 0.8, source="They"))
    )


def test_an_interval_holds_its_value_and_is_none_without_one():
    low, high = METRICS["accuracy"].interval(KINDS, Outputs(HERS))
    assert low < 0.9 < high
    assert METRICS["accuracy"].interval(KINDS, Outputs(np.full(100, np.nan))) is None


def test_it_is_left_out_where_it_is_of_another_size_of_the_data_or_nothing_was_evaluated():
    of_other = Published(DATA.task, "accuracy", 0.92, profile="full", source="They")
    assert not published(of_other).published
    absent = Model("absent", object, (DATA.task,), published=(Published(DATA.task, "accuracy", 0.9, source="They"),))
    assert not published_values(published(), [absent], METRICS)
    assert "Published" not in render(published(), {})


@pytest.mark.parametrize(("task", "metric"), [(FIVES, "accuracy"), (DIGITS, "roc_auc")])
def test_one_on_what_the_model_is_not_asked_is_refused(task, metric):
    with pytest.raises(ModelError, match=rf"model m: found a published value of {metric} on {task.name}, expected one"):
        Model("m", object, (DIGITS,), published=(Published(task, metric, 0.9, source="They"),))


def test_a_session_keeps_it_and_it_fails_nobody(project):
    project.write(
        'model(blunder=5, gates=(Floor(DIGITS, "accuracy", 0.5),), '
        'published=(Published(DIGITS, "accuracy", 0.999, profile="quick", source="They"),))'
    )
    assert project.run("-k", "test_gate").ret == 0
    (kept,) = project.record.published
    assert (kept.model, kept.value, kept.interval[0] < 0.8 < kept.interval[1]) == ("reader", 0.999, True)
    assert "Published values, for comparison" in project.report


def test_one_of_a_profile_that_there_is_not_is_a_usage_error(project):
    project.write('model(published=(Published(DIGITS, "accuracy", 0.9, profile="fulll", source="They"),))')
    result = project.run()
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: model reader: *profile 'fulll' on digits, expected one of 'quick', 'full'; *"])


def test_a_record_from_before_there_were_any_is_read(tmp_path):
    path = tmp_path / "record.json"
    save(published(), path)
    content = json.loads(path.read_text())
    del content["published"], content["settings"]["tasks"]
    path.write_text(json.dumps(content))
    record = read(path)
    assert (record.published, record.settings.tasks) == ([], [])
