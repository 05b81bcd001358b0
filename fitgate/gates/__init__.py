"""Gates: rules that models must hold to, and the verdicts that judging reaches from evidence alone."""

from fitgate.gates.above import Above
from fitgate.gates.archive import find_baseline
from fitgate.gates.baseline import Baseline, baseline_file, collect
from fitgate.gates.errors import BaselineError
from fitgate.gates.evidence import Evidence, NotEvaluated, Truth
from fitgate.gates.floor import Floor
from fitgate.gates.gap import Gap
from fitgate.gates.gate import Adjusted, Contested, Declaration, Gate, Need, Request
from fitgate.gates.judging import Claim, Judgement, judge, needs, slicings
from fitgate.gates.no_flips import NoFlips
from fitgate.gates.regression import NoRegression
from fitgate.gates.robust import Robust
from fitgate.gates.settings import JudgeSettings
from fitgate.gates.stored import read_baseline, write_baseline
from fitgate.gates.verdict import Flips, Outcome, Reason, SliceVerdict, Verdict
from fitgate.gates.waiver import Waiver

GATES: dict[str, type[Gate]] = {gate.kind: gate for gate in (Floor, Above, NoRegression, Gap, NoFlips, Robust)}

__all__ = [
    "GATES",
    "Above",
    "Adjusted",
    "Baseline",
    "BaselineError",
    "Claim",
    "Contested",
    "Declaration",
    "Evidence",
    "Flips",
    "Floor",
    "Gap",
    "Gate",
    "JudgeSettings",
    "Judgement",
    "Need",
    "NoFlips",
    "NoRegression",
    "NotEvaluated",
    "Outcome",
    "Reason",
    "Request",
    "Robust",
    "SliceVerdict",
    "Truth",
    "Verdict",
    "Waiver",
    "baseline_file",
    "collect",
    "find_baseline",
    "judge",
    "needs",
    "read_baseline",
    "slicings",
    "write_baseline",
]
