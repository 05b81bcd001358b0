"""Every model holds to every gate that it declares."""


def test_gate(model, gate, trained, judge):
    verdict = judge(trained(model), gate)
    assert verdict.passed, verdict.message
