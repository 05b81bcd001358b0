"""Commands that documents name in passing, checked without doing their work: `python -m tests.acceptance.commands`.

It reads a JSON list of code from its standard input, and prints a JSON object: what is wrong, by code. It is run in a
checkout, and has a process of its own, as pytest inside pytest would find the outer one's plugins.
"""

import contextlib
import importlib.util
import io
import json
import multiprocessing
import pkgutil
import re
import shlex
import sys
from functools import cache
from pathlib import Path

import pytest

from fitgate.cli import command_line
from suite.commands import command_line as suite_command_line
from tests.reference import subcommands

PROGRAMS = {"fitgate": command_line, "python -m fitgate": command_line, "python -m suite": suite_command_line}
COMMAND = re.compile(r"(?:\.venv/bin/)?(pytest|fitgate|python -m (?:fitgate|suite))(?: (.+))?")
TOOL = re.compile(r"(?:\.venv/bin/(?!python )|\.venv/bin/python -m )([\w.-]+)(?: .+)?")
OPTION = re.compile(r"--[a-z][a-z-]+")
NAME = re.compile(r"(?:fitgate|fitgate_pytest|suite|models)(?:\.\w+)+(?<!\.yml)")
PATH = re.compile(r"(?:\.?\w[\w.-]*/)+[\w.-]*")
MADE = ("reports/runs", ".venv", ".fitgate", "baselines")  # by commands, so that they may not be there


def problem(code):
    """What is wrong with a piece of code; empty if nothing is, or it is nothing that can be checked."""
    if " && " in code:
        return next(filter(None, map(problem, code.split(" && "))), "")
    if found := COMMAND.fullmatch(code):
        program, arguments = found[1], shlex.split(found[2] or "")
        if not arguments:
            return ""
        return (
            collecting(arguments)
            if program == "pytest"
            else missing(arguments) or parsing(PROGRAMS[program](), arguments)
        )
    if found := TOOL.fullmatch(code):
        return "" if importlib.util.find_spec(found[1].replace("-", "_")) else "no such tool is installed"
    if found := OPTION.match(code):
        known = (
            option.startswith(found[0]) if code.endswith("*") else option == found[0] for option in known_options()
        )
        return "" if any(known) else "no such option"
    if NAME.fullmatch(code):
        return naming(code)
    return missing([code])


def collecting(arguments):
    """What pytest says where it collects nothing, or can't."""
    with contextlib.redirect_stdout(io.StringIO()) as printed, contextlib.redirect_stderr(printed):
        status = pytest.main([*arguments, "--collect-only", "-q", "-p", "no:cacheprovider"])
    return "" if status == pytest.ExitCode.OK else f"{status!r}: {printed.getvalue()[-2000:]}"


def parsing(parser, arguments):
    """What a parser says of arguments that it refuses; the bare name of a command is none."""
    if len(arguments) == 1 and arguments[0] in {name for name, _, _ in subcommands(parser)}:
        return ""
    with contextlib.redirect_stderr(io.StringIO()) as printed:
        try:
            parser.parse_args(arguments)
        except SystemExit:
            return printed.getvalue()
    return ""


def missing(words):
    """The path among some words that is not there."""
    for word in words:
        path = word.partition("=")[2] or word
        known = PATH.fullmatch(path) and Path(path.partition("/")[0]).exists() and not path.startswith(MADE)
        if known and not Path(path).exists():
            return f"{path} is not there"
    return ""


def naming(code):
    try:
        pkgutil.resolve_name(code)
    except (ImportError, AttributeError) as error:
        return str(error)
    return ""


@cache
def known_options():
    """The options of all programs."""
    parsers = [parser for program in PROGRAMS.values() for _, _, parser in subcommands(program())]
    texts = [parser.format_help() for parser in parsers]
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        pytest.main(["--help"])
    return set(OPTION.findall("\n".join([*texts, printed.getvalue()])))


if __name__ == "__main__":
    known_options()  # and what that imports, each process below then has at hand
    codes = json.load(sys.stdin)
    collected = [code for code in codes if "pytest" in code]
    words = {code: problem(code) for code in codes if code not in collected}
    with multiprocessing.Pool(2, maxtasksperchild=1) as pool:  # for `--fit-threads` limits a process for good
        words |= zip(collected, pool.map(problem, collected, chunksize=1), strict=True)
    print(json.dumps({code: wrong for code, wrong in words.items() if wrong}))
