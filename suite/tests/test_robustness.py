"""What disturbances cost models, as a table and curves."""

from fitgate import Model
from fitgate.disturbances import shift
from fitgate.tasks import TaskData
from suite.robustness import falls, page, panels, withstanding
from tests import fakes


def test_a_model_s_fall_is_measured_at_each_level(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    data = TaskData(fakes.DIGITS, fakes.DATASET.on("quick"))
    found = withstanding(Model("reader", lambda seed: fakes.Reader(), tasks=(fakes.DIGITS,)), data, [shift(1)], 2)
    (halfway, whole) = found.disturbed[shift(1)]
    assert found.clean == 100 > halfway >= whole
    (panel,) = panels([found]).panels
    assert panel.models[0].points == ((0, 100), (0.5, halfway), (1, whole))
    assert f"{100 - whole:.1f}" in falls([found])
    assert "in 7 s" in page([found], 7.2)
