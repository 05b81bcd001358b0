"""A race between models, from the library's golden record: its good model against its poor one."""

import re
import shutil
from pathlib import Path

import pytest

import tests
from suite.commands import main


@pytest.fixture
def run(tmp_path):
    shutil.copy(Path(tests.__file__).parent / "golden" / "record.json", tmp_path)
    return tmp_path


def test_a_race_compares_training_apart_from_compiling(run, capsys):
    assert main(["race", str(run), "--models", "good,poor", "--target", "0.95"]) == 0
    assert capsys.readouterr().out == f"report in {run / 'race.md'}\n"
    text = re.sub(" +", " ", (run / "race.md").read_text())
    assert "](race/race.png)" in text
    assert (run / "race" / "race.png").stat().st_size > 5_000
    assert text.startswith("# Race to 95 %: good, poor\n")
    assert "**good trains in 0.45 times the time of poor** (0.44 to 0.45)." in text  # 0.75 s to 1.67, 1.68, 1.69
    assert (
        "| good | 98.667 | 1.155 | 95.798 to 101.535 | 100% | 0.75 | 0.00 | 0.75 s | 3.50 cold, 0.50 CACHED |" in text
    )
    assert "| poor | 86.500 | 0.000 | 86.500 to 86.500 | 0% | 1.68 | 0.01 | not reached | - |" in text
    assert "| 43 | 98.00 | 0.75 | 86.50 | 1.68 |" in text


def test_models_without_the_same_seeds_are_refused(run, capsys):
    assert main(["race", str(run), "--models", "good,absent"]) == 1
    message = "found seeds 42, 43, 44 of good, no seeds of absent, expected the same two or more seeds of each model; "
    assert f"{message}run pytest with --fit-seeds" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--models", "cnn"], "found 'cnn', expected two or more different models"),
        (["--models", "cnn,cnn"], "found 'cnn,cnn', expected two or more different models"),
        (["--target", "99"], "found '99', expected an accuracy above 0 and up to 1"),
        (["--target", "high"], "found 'high', expected an accuracy above 0 and up to 1"),
    ],
)
def test_wrong_options_are_refused(options, message, capsys):
    with pytest.raises(SystemExit):
        main(["race", "record.json", *options])
    assert message in capsys.readouterr().err


def test_a_record_that_is_not_there_is_an_error_in_one_line(tmp_path, capsys):
    assert main(["race", str(tmp_path)]) == 1
    assert re.fullmatch(r"error: .*record\.json: .*No such file or directory, expected .*\n", capsys.readouterr().err)
