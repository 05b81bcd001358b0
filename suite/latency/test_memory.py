"""What fitting and predicting take of the memory, each in a process of its own: only under `--memory`."""

import pytest

pytestmark = [pytest.mark.latency, pytest.mark.memory]


def test_memory(model, trained, memory_of, emit):
    emit(memory_of(trained(model)))
