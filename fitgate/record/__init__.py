"""Records: one run as versioned JSON, the only source of every report and every verdict."""

from fitgate.record.arrays import ARRAY_KEYS, decode_array, encode_array
from fitgate.record.entries import (
    DataEntry,
    Extra,
    MetricEntry,
    Misclassified,
    ModelEntry,
    NotApplied,
    PublishedEntry,
    Settings,
    TaskEntry,
    UnusableBaseline,
    describe_data,
    describe_metric,
    describe_model,
    describe_not_applied,
    describe_task,
)
from fitgate.record.errors import RecordError
from fitgate.record.evidence import candidates, claims, evidence, found_deterministic, judge_again, seed_runs
from fitgate.record.examples import largest_errors, lost_examples, misclassified_examples, row
from fitgate.record.log import log_error
from fitgate.record.published import published_values
from fitgate.record.record import SCHEMA, Entry, Record, begin, working_commit
from fitgate.record.storage import (
    Journal,
    decode_entry,
    encode,
    read,
    read_json,
    save,
    write_json,
)

__all__ = [
    "ARRAY_KEYS",
    "SCHEMA",
    "DataEntry",
    "Entry",
    "Extra",
    "Journal",
    "MetricEntry",
    "Misclassified",
    "ModelEntry",
    "NotApplied",
    "PublishedEntry",
    "Record",
    "RecordError",
    "Settings",
    "TaskEntry",
    "UnusableBaseline",
    "begin",
    "candidates",
    "claims",
    "decode_array",
    "decode_entry",
    "describe_data",
    "describe_metric",
    "describe_model",
    "describe_not_applied",
    "describe_task",
    "encode",
    "encode_array",
    "evidence",
    "found_deterministic",
    "judge_again",
    "largest_errors",
    "log_error",
    "lost_examples",
    "misclassified_examples",
    "published_values",
    "read",
    "read_json",
    "row",
    "save",
    "seed_runs",
    "working_commit",
    "write_json",
]
