"""A report is a pure function of its record; `golden/` holds one of each."""

import copy
import re
import shutil
import subprocess
import sys
from pathlib import Path

import msgspec
import numpy as np
import pytest

from fitgate.cli import main
from fitgate.errors import FitgateError
from fitgate.gates import Outcome, Verdict
from fitgate.machine import Calibration
from fitgate.record import ModelEntry, RecordError, describe_metric, read
from fitgate.report import floors, render, run_verdict, write_report
from fitgate.report.view.report import report_view
from fitgate.runs import Failure
from fitgate.tasks import TaskData
from tests import fakes, records
from tests.conftest import SEEDED
from tests.records import ERROR

GOLDEN = Path(__file__).parent / "golden"
MANY = np.repeat([f"kind {i:02}" for i in range(40)], 5)

pytestmark = pytest.mark.usefixtures("drawn")


@pytest.fixture
def golden():
    return read(GOLDEN)


@pytest.fixture(scope="module")
def flowers():
    """A run on a table of named columns, by models that confuse two kinds."""
    kinds = np.tile(["rose", "lily", "iris"], 20)
    data = records.task_data(np.arange(240.0).reshape(60, 4), kinds)
    return records.record_of(data, {"good": np.where(np.arange(60) < 3, "iris", kinds), "poor": ["iris"] * 60})


def plain(record, captions=None):
    """A report with single spaces."""
    return re.sub(" +", " ", render(record, captions or {}))


def test_the_report_of_the_golden_record_is_the_golden_report_with_its_figures(golden, tmp_path, file_regression):
    """After a change that is meant: `pytest tests/test_report.py --force-regen`, and look at the difference."""
    report = write_report(golden, tmp_path).read_text()
    file_regression.check(report, fullpath=GOLDEN / "report.md")
    shown = re.findall(r"!\[(.+)\]\((.+)\)", report)
    assert sorted(path for _, path in shown) == sorted(f"figures/{p.name}" for p in (tmp_path / "figures").iterdir())
    assert all((tmp_path / path).stat().st_size > 5_000 for _, path in shown)


def test_the_command_writes_a_report_beside_the_record_or_elsewhere(tmp_path, capsys):
    shutil.copy(GOLDEN / "record.json", tmp_path)
    assert main(["report", str(tmp_path / "record.json")]) == 0
    assert capsys.readouterr().out.endswith(f"report in {tmp_path / 'report.md'}\n")
    assert main(["report", str(tmp_path), "--out", str(tmp_path / "else" / "where")]) == 0
    assert (tmp_path / "else" / "where" / "report.md").read_bytes() == (tmp_path / "report.md").read_bytes()


def test_a_record_that_can_t_be_read_is_an_error_in_one_line(tmp_path, capsys):
    assert main(["report", str(tmp_path)]) == 1
    assert re.fullmatch(r"error: .*record\.json: found No such file or directory, .*\n", capsys.readouterr().err)


def test_a_record_of_an_older_schema_can_be_rendered(tmp_path):
    record = read(Path(__file__).parent / "older" / "schema-2.json")
    report = write_report(record, tmp_path).read_text()
    passed = f"{record.count(Outcome.PASS)} of {len(record.verdicts)} gates passed"
    assert report.startswith(f"# fitgate report\n\n**PASS: {passed}")
    assert {path.name for path in (tmp_path / "figures").iterdir()} == {
        "accuracy-latency.png",
        "confusion.png",
        "misclassified.png",
    }  # two epochs are no learning curve


def test_a_run_that_was_cut_off_is_reported_as_such(golden):
    golden.status = "running"
    assert render(golden, {}).splitlines()[2].startswith("**INCOMPLETE: the run was cut off")


def test_an_empty_record_can_be_rendered():
    record = records.blank(status="running")
    assert "No data was loaded. Seed 42." in render(record, {})
    assert run_verdict(record).line == "INCOMPLETE: the run was cut off; gates judged before: 0"


def test_gates_say_where_they_are_declared_and_what_was_not_judged(golden):
    assert "`accuracy>baseline-0.01`: FAIL." in render(golden, {})
    assert "Declared at `models/poor.py:12`." in render(golden, {})
    golden.verdicts = [v for v in golden.verdicts if v.model != "good"]
    assert "- ❌ **good** on digits, `accuracy>=0.9`: NOT JUDGED." in render(golden, {})


def test_a_gate_of_a_kind_from_a_plugin_appears_like_the_others(golden):
    golden.add(Verdict("good", "digits", "size<=2 MiB", Outcome.PASS, "It takes 1.25 MiB.", kind="Size"))
    report = render(golden, {})
    assert "- ✅ `size<=2 MiB` on digits: PASS. It takes 1.25 MiB.\n" in report
    assert "| [good on digits: `size<=2 MiB`](#reasons-" in report


def test_classes_have_the_names_that_they_are_labelled_with(flowers):
    report = plain(flowers)
    assert "| class | test examples | good | poor |" in report
    assert "| iris | 20 | 100.0 | 100.0 |\n| lily | 20 | 95.0 | 0.0 |\n| rose | 20 | 95.0 | 0.0 |" in report


def test_integers_have_the_names_that_the_dataset_gives_them():
    data = records.task_data(np.zeros((6, 2)), np.array([0, 1, 2] * 2), class_names=("rose", "lily", "iris"))
    report = plain(records.record_of(data, {"m": [0, 1, 2, 1, 1, 7]}))
    assert "| rose | 2 | 50.0 |" in report
    assert "| 3 | rose | lily | 0, 0 |" in report
    assert "| 5 | iris | 7 | 0, 0 |" in report


def test_truth_values_are_their_own_names():
    record = records.record_of(records.task_data(np.zeros((4, 1)), np.array([True, False] * 2)), {"m": [True] * 4})
    assert "| False | 2 | 0.0 |\n| True | 2 | 100.0 |" in plain(record)


def test_data_of_no_shape_is_shown_as_tables_and_called_examples(flowers, tmp_path):
    report = write_report(flowers, tmp_path).read_text()
    assert not re.search("image|digit", report, re.IGNORECASE)
    assert not (tmp_path / "figures" / "misclassified.png").exists()
    rows = re.sub(" +", " ", report)
    assert "| test example | true class | answers | values |" in rows
    assert "| 0 | rose | iris by 2 | 0, 1, 2, 3 |" in rows
    assert "| 4 | lily | lily by 1, iris by 1 | 16, 17, 18, 19 |" in rows


@pytest.mark.parametrize(
    ("row", "shown"),
    [
        ({"age": "41", "town": "Ulm | Bonn"}, "| age: 41, town: Ulm \\| Bonn |"),
        ("a text\n# of two lines", "| a text # of two lines |"),
        ("word " * 50, "| word word word"),
        ("word " * 50, "wo... |"),
        (np.arange(20), "| 0, 1, 2, 3, 4, 5, 6, 7, ... (20 values) |"),
    ],
)
def test_an_example_is_shown_in_short_whatever_it_is(flowers, row, shown, monkeypatch):
    example = flowers.misclassified[0]
    kept = type(example)(example.task, example.index, example.label, example.answers, row)
    monkeypatch.setattr(flowers, "misclassified", [kept])
    assert shown in plain(flowers)


def test_pictures_that_were_read_from_a_file_are_pictures_again(golden):
    (examples,) = report_view(golden).misclassified
    assert examples.drawn
    assert examples.rows[0].picture.shape == (28, 28)


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_pictures_may_have_channels(channels, tmp_path):
    pixels = np.random.default_rng(0).random((4, 4 * 5 * channels))
    data = records.task_data(pixels, np.array(["cat", "dog"] * 2), image_shape=(4, 5, channels))
    report = write_report(records.record_of(data, {"m": ["cat"] * 4}), tmp_path)
    assert (tmp_path / "figures" / "misclassified.png").stat().st_size > 1_000
    assert "4 training and 4 test images" in report.read_text()


def test_many_classes_are_summed_up_by_the_most_frequent_confusions(tmp_path):
    data = records.task_data(np.zeros((200, 2)), MANY)
    answers = np.where(MANY == "kind 07", "kind 08", MANY)
    report = write_report(records.record_of(data, {"good": MANY, "poor": answers}), tmp_path).read_text()
    assert not (tmp_path / "figures" / "confusion.png").exists()
    rows = re.sub(" +", " ", report)
    assert "Of 40 classes, the 30 of the lowest recall, on average over the models." in rows
    assert "| kind 07 | 5 | 100.0 | 0.0 |" in rows
    assert "**poor**, worst: accuracy 0.9750" in rows
    assert "| kind 07 | kind 08 | 5 | 100% |" in rows


def test_a_regression_has_neither_classes_nor_confusions(tmp_path):
    lengths = np.linspace(0.5, 9.3, 20)
    data = records.task_data(np.zeros((20, 2)), lengths, metrics=(ERROR,))
    known = {"error": ERROR}
    record = records.record_of(data, {"far": lengths + 2, "near": lengths + 0.25}, metrics=known)
    report = write_report(record, tmp_path).read_text()
    assert "| far     | kinds  | 2 mm" in report
    assert "0.25 mm" in report
    assert "Down and to the left is better" in report
    assert not re.search("Recall|Confusion|Misclassified", report)
    (tradeoff,) = report_view(record).tradeoffs
    assert [point.model for point in tradeoff.points] == ["near", "far"]


def test_whole_numbers_that_are_answered_with_fractions_are_no_classes():
    counts = np.tile([31.0, 42.0, 47.0], 8)
    data = records.task_data(np.zeros((24, 2)), counts, metrics=(ERROR,))
    assert data.kind == "multiclass"
    record = records.record_of(data, {"ridge": counts + 0.5}, metrics={"error": ERROR})
    assert record.misclassified
    assert not re.search("Recall|Confusion|Misclassified", render(record, {}))


def test_each_task_that_a_model_puts_first_has_figures_and_each_dataset_a_row(flowers, golden, tmp_path):
    for entry in (*flowers.datasets, *flowers.tasks, *flowers.models[:1], *flowers.evaluations[:1]):
        golden.add(entry)
    golden.models[-1] = ModelEntry("gardener", "reads flowers", ["kinds"])
    report = write_report(golden, tmp_path).read_text()
    assert {"confusion-digits.png", "confusion-kinds.png"} <= {p.name for p in (tmp_path / "figures").iterdir()}
    assert "### kinds" in report
    assert "| data      | things: 60 training and 60 test examples" in report
    assert "| data      | fake, profile quick: 200 training and 200 test images" in report


def test_what_a_model_says_breaks_neither_tables_nor_lines(golden):
    evil = "Bad: `a` | b\n# Title\n- <script>alert(1)</script> ![x](http://a/b) **bold**"
    golden.add(Failure("absent", "fives", "predict", evil))
    golden.verdicts[0] = Verdict("good", "digits", "accuracy>=0.9", Outcome.FAIL, evil)
    golden.models[0] = ModelEntry("good", evil, ["digits", "fives"], None)
    report = render(golden, {})
    assert "- **absent** on fives, in `predict`: ``Bad: `a` | b # Title - <script>" in report
    escaped = r"Bad: \`a\` | b # Title - &lt;script>alert(1)&lt;/script> !\[x\](http://a/b) \*\*bold\*\*"
    assert f"FAIL. {escaped}\n" in report
    assert "| good    | {}".format(escaped.replace("|", r"\|")) in report
    assert "\n# Title" not in report
    tables = [block.splitlines() for block in report.split("\n\n") if block.startswith("|")]
    for lines in tables:
        assert len({len(re.findall(r"(?<!\\)\|", line)) for line in lines}) == 1


def test_a_kernel_of_a_plugin_has_speeds_in_a_unit_of_its_own(golden):
    golden.add(Calibration("fft", "transforms/s", "good", [40.0, 50.0]))
    assert "| fft | 45 | 45 to 45 | transforms/s | - |" in plain(golden)


def test_importing_reports_is_cheap():
    program = """
import sys, fitgate.report
sys.exit(", ".join({"matplotlib", "jinja2", "sklearn", "scipy", "pandas"} & set(sys.modules)) or None)
"""
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr


def of_seed(record, seed, **fields):
    """The same record as if of another seed."""
    again = msgspec.structs.replace(record, **fields)
    again.settings = msgspec.structs.replace(record.settings, seed=seed)
    return again


def test_floors_are_shown_over_records_of_several_seeds(golden):
    report = re.sub(" +", " ", floors([golden, of_seed(golden, 43)]))
    assert report.startswith("# Floors: fake, profile quick: 200 training and 200 test images; 2 seeds (42 to 43)\n")
    assert "| good | digits | `accuracy>=0.9` | 2 | 2 | 0.9800 | 0.0000 | 0.9800 | 0.9413 | 0.0000 |" in report
    assert "| - | 0.9413 | +0.0413 |" in report
    assert re.search(
        r"\| good \| fives \| `roc_auc>poor` \|.* \| 0.0484 \| 0.0000 \| - \| 0.0484 \| \+0.0484 \|", report
    )
    assert (
        "| poor | digits | `accuracy>baseline-0.01` | 2 | 0 | 0.8300 | 0.0000 | 0.8300 | - | - | - | - | - |" in report
    )


def test_a_floor_of_an_error_is_safe_above_its_bounds(golden):
    def verdicts(bound):
        verdict = Verdict("m", "t", "error<=3", Outcome.PASS, "", metric="error", value=bound - 0.1, threshold=3.0)
        return [msgspec.structs.replace(verdict, bound=bound, bound_of="value")]

    golden.metrics = [describe_metric(ERROR)]
    report = re.sub(" +", " ", floors([of_seed(golden, seed, verdicts=verdicts(2 + seed / 10)) for seed in (1, 2, 3)]))
    assert "| m | t | `error<=3` | 3 | 3 | 2.1000 | 0.1000 | 2.2000 | 2.2000 | 0.1000 | 25.78 | 4.778" in report


def test_one_record_of_several_seeds_tells_how_high_a_floor_may_be(project):
    project.write('model("learner", Learner, tasks=(DIGITS,), seeded=True, gates=(Floor(DIGITS, "accuracy", 0.7),))')
    project.run("--fit-seeds", "6", "--fit-seed", "0", "-k", "seed or gate")
    report = re.sub(" +", " ", floors([project.record]))
    assert report.startswith("# Floors: fake, profile quick: 200 training and 200 test images; 6 seeds (0 to 5) of one")
    assert re.search(r"\| learner \| digits \| `accuracy>=0.7` \| 6 \| 6 \| .* \| 6.37 \| 0.8\d+ \| \+0.1", report)


def test_the_baselines_tell_how_high_a_floor_may_be(blessed, capsys, monkeypatch):
    blessed.write(SEEDED.replace("gates=(", 'gates=(Floor(DIGITS, "accuracy", 0.9), '))
    monkeypatch.chdir(blessed.path)
    assert main(["floors"]) == 0
    out = re.sub(" +", " ", capsys.readouterr().out)
    assert "# Floors: fake, profile quick: 200 training and 200 test images; the baselines\n" in out
    assert "| learner | digits | `accuracy>=0.9` | 3 | 3 | 0.9800 | 0.0000 | 0.9800 |" in out
    blessed.write(SEEDED)
    assert main(["floors"]) == 1
    assert "no baseline of a model with a floor" in capsys.readouterr().err


def test_floors_refuse_what_can_t_be_compared(golden, flowers):
    with pytest.raises(RecordError, match="found one that is running, expected a finished run"):
        floors([golden, of_seed(golden, 43, status="running")])
    with pytest.raises(RecordError, match="found 2 records of 1 seed, expected a seed of its own for each"):
        floors([flowers, flowers])
    with pytest.raises(
        RecordError, match="found 2 records, 1 of them of several seeds, expected one record of several"
    ):
        floors([golden, msgspec.structs.replace(golden, seed_runs=[])])
    with pytest.raises(FitgateError, match="found 2 records of 2 different data"):
        floors([golden, flowers])


def test_a_task_of_several_labels_has_a_recall_of_each_and_no_confusions():
    data = TaskData(fakes.TRAITS, fakes.DATASET.on("quick"))
    odd = np.column_stack([np.zeros(200, bool), data.y_test[:, 1]])
    report = plain(records.record_of(data, {"m": odd}))
    assert "| m | traits |" in report
    assert "<summary>Recall of each label, %</summary>" in report
    assert "| label | test images | m |" in report
    assert "| 0 | 60 | 0.0 |\n| 1 | 100 | 100.0 |" in report
    assert "Confusion" not in report


def test_every_task_with_classes_has_recalls_and_confusions_and_the_first_of_a_model_a_figure(golden):
    report = plain(golden)
    recalls, confusions = (
        report.split(title)[1].split("</details>")[0] for title in ("<summary>Recall", "## Confusion")
    )
    assert "### Recall on fives" in recalls
    assert "| True | 20 |" in recalls
    assert "figures/confusion" not in confusions.split("### fives")[1]
    assert "**poor**, worst: ROC AUC 0.9056" in confusions


@pytest.fixture(scope="module")
def houses():
    """A run of a task of whole numbers, by a model that is near and one that is far off one example."""
    prices = np.arange(100, 400, 10)
    data = records.task_data(np.arange(60).reshape(30, 2), prices, metrics=("mae",))
    far = prices + 20
    far[7] += 300
    return records.record_of(data, {"near": prices + 1, "far": far})


def test_a_task_of_numbers_has_errors_in_place_of_classes(houses, tmp_path):
    report = write_report(houses, tmp_path).read_text()
    assert not re.search("Recall|Confusion|Misclassified|image|digit", report)
    assert (tmp_path / "figures" / "predicted.png").stat().st_size > 10_000
    rows = re.sub(" +", " ", report)
    assert "| near | kinds | 1 |" in rows
    assert "| far | 20 | 20 | 320 |" in rows
    assert "test examples that the models are farthest off, by the median of their errors." in rows
    assert "| test example | true value | near | far | values |" in rows
    assert rows.split("| values |")[1].splitlines()[2] == "| 7 | 170 | 171 | 490 | 14, 15 |"


def test_what_an_estimator_does_not_give_is_a_dash_with_its_reason(flowers):
    record = copy.deepcopy(flowers)
    record.evaluations[0].metrics["roc_auc"] = None
    record.evaluations[0].missing["roc_auc"] = "SGDClassifier has no predict_proba"
    report = plain(record)
    assert "| good | kinds | 0.9667 | - | no gate |" in report
    assert "- **good** on kinds has no roc_auc: SGDClassifier has no predict_proba." in report
