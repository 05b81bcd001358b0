"""Records: one run as versioned JSON, the only source of every report."""

from fitgate.record.examples import hard_examples, lost_examples
from fitgate.record.record import (
    SCHEMA,
    Data,
    Entry,
    Hard,
    Listed,
    Record,
    begin,
    describe,
    working_commit,
)
from fitgate.record.storage import RecordError, decode_entry, encode, read, read_json, save, write_json

__all__ = [
    "SCHEMA",
    "Data",
    "Entry",
    "Hard",
    "Listed",
    "Record",
    "RecordError",
    "begin",
    "decode_entry",
    "describe",
    "encode",
    "hard_examples",
    "lost_examples",
    "read",
    "read_json",
    "save",
    "working_commit",
    "write_json",
]
