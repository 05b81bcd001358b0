"""The test of contracts: what any fitted estimator is to hold to, whatever it answers."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from fitgate.contracts import Check
from fitgate.model import Model
from fitgate.plugin.trained import TrainedModel

Trained = Callable[[Model], TrainedModel]


@pytest.mark.no_gates
def test_contract(
    model: Model, contract: Check, trained: Trained, hold: Callable[[TrainedModel, Check], str | None]
) -> None:
    """Every model holds to each check of `fitgate.contracts`, but those that it declares as expected failures."""
    if broken := hold(trained(model), contract):
        pytest.fail(broken, pytrace=False)
