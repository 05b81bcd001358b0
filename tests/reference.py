"""The tables of the documents that are made from the code: `python -m tests.reference` writes them anew."""

import argparse
import inspect
import pkgutil
import re
from pathlib import Path

from fitgate import disturbances as of_examples
from fitgate import plugin, protocols
from fitgate.cli import command_line
from fitgate.contracts import CHECKS
from fitgate.metrics import METRICS
from fitgate_pytest import HOOKS, hookspecs
from fitgate_pytest.options import OPTIONS

PAGES = Path(__file__).parents[1] / "docs"
PLACE = re.compile(r"^(<!-- table: (\w+) -->\n)(?:(?!<!-- ).)*^(<!-- end -->)$", re.MULTILINE | re.DOTALL)
API = re.compile(r"^(<!-- api:\s([\w.\s]+) -->\n)(?:(?!<!-- ).)*^(<!-- end -->)$", re.MULTILINE | re.DOTALL)


def options():
    """Pytest's options, each with its key of the configuration."""
    rows = []
    for option in OPTIONS:
        shown = f"`--{option.name}={option.metavar}`" if option.metavar else f"`--{option.name}`"
        rows.append((shown, f"`{option.key}`", option.help))
    return table(("option", "ini key", "what it does"), rows)


def commands():
    """The commands of `fitgate`, each with its arguments."""
    parts = []
    for name, about, parser in subcommands(command_line()):
        rows = [(shown(action), action.help or "") for action in parser._actions if action.dest != "help"]
        parts += [f"### fitgate {name}", f"{about[0].upper()}{about[1:]}."]
        parts += [table(("argument", "what it is"), rows)] if rows else []
    return "\n\n".join(parts)


def subcommands(parser):
    """Name, help and parser of each command of a parser."""
    (group,) = (action for action in parser._actions if isinstance(action, argparse._SubParsersAction))
    abouts = {choice.dest: choice.help for choice in group._choices_actions}
    return [(name, abouts[name], parser) for name, parser in group.choices.items()]


def shown(action):
    """An argument as it is given."""
    name = action.metavar or f"{{{','.join(action.choices)}}}" if action.choices else action.metavar
    if not action.option_strings:
        return f"`{name}`"
    return f"`{action.option_strings[0]}`" if action.nargs == 0 else f"`{action.option_strings[0]} {name}`"


def hooks():
    """The hooks, each with its example."""
    parts = []
    for name in HOOKS:
        about, _, example = inspect.getdoc(getattr(hookspecs, name)).partition("Example::")
        parts += [f"### {name}", about.strip(), f"```python\n{inspect.cleandoc(example)}\n```"]
    return "\n\n".join(parts)


def metrics():
    """The metrics that come with the library."""
    rows = [
        (
            f"`{metric.name}`",
            metric.reads,
            "higher" if metric.higher_is_better else "lower",
            metric.confidence_bound.name,
            metric.paired_test.name,
        )
        for metric in METRICS.values()
    ]
    return table(("metric", "reads", "better", "bound", "paired test"), rows)


def offers():
    """The protocols that an estimator may offer."""
    rows = []
    for protocol in vars(protocols).values():
        if inspect.isclass(protocol) and protocol.__module__ == protocols.__name__:
            members = {**vars(protocol).get("__annotations__", {}), **vars(protocol)}
            names = ", ".join(f"`{name}`" for name in members if name[0] != "_")
            rows.append((names, inspect.getdoc(protocol).split("\n\n")[0].replace("\n", " ")))
    return table(("members", "what it does"), rows)


def disturbances():
    """The disturbances of test examples, each as it is called."""
    functions = [
        f for f in vars(of_examples).values() if inspect.isfunction(f) and f.__module__ == of_examples.__name__
    ]
    return table(("disturbance", "what becomes of the examples"), [(f"`{called(f)}`", about(f)) for f in functions])


def checks():
    """The checks of contracts."""
    return table(("check", "what holds"), [(f"`{name}`", about(check)) for name, check in CHECKS.items()])


def called(function):
    """A function with its arguments, without those that hardly anybody gives."""
    names = inspect.signature(function).parameters
    required = [
        f"{name}=..." for name, one in names.items() if one.kind is one.KEYWORD_ONLY and one.default is one.empty
    ]
    return f"{function.__name__}({', '.join([next(iter(names)), *required])})"


def about(function):
    """A docstring in one line."""
    return " ".join(inspect.getdoc(function).split())


def fixtures():
    """The fixtures that tests may take."""
    rows = [(f"`{name}`", inspect.getdoc(getattr(plugin, name))) for name in plugin.__all__]
    return table(("fixture", "what it is"), rows)


def api(names):
    """Classes and functions, each with the file that has it."""
    rows = []
    for name in names:
        found = pkgutil.resolve_name(name)
        file = Path(inspect.getsourcefile(found)).relative_to(PAGES.parent).as_posix()
        rows.append((f"[`{name}`](../{file})", inspect.getdoc(found).split("\n\n")[0]))
    return table(("name", "what it is"), rows)


def table(headers, rows):
    """A table in markdown, its cells no wider than they need be."""
    cells = [[cell.replace("\n", " ").replace("|", "\\|") for cell in row] for row in (headers, *rows)]
    first, *others = (f"| {' | '.join(row)} |" for row in cells)
    return "\n".join([first, f"|{':--|' * len(headers)}", *others])


TABLES = {
    function.__name__: function
    for function in (options, commands, hooks, metrics, offers, fixtures, disturbances, checks)
}


def rendered(text):
    """A page with its tables as the code has them."""
    text = PLACE.sub(lambda found: f"{found[1]}\n{TABLES[found[2]]()}\n\n{found[3]}", text)
    return API.sub(lambda found: f"{found[1]}\n{api(found[2].split())}\n\n{found[3]}", text)


if __name__ == "__main__":
    for page in PAGES.glob("*.md"):
        text = page.read_text(encoding="utf-8")
        page.write_text(rendered(text), encoding="utf-8")
