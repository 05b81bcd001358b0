"""Pages are read as their readers do: blocks with what stands before them, commands, code spans, links."""

from tests.acceptance.markdown import blocks, links, spans
from tests.acceptance.test_documents import matches

PAGE = """
See `pytest -q` and [the other](other.md#part), not [the web](https://example.org).

<!-- fails -->
```sh
fitgate compare a \\
    b  # two machines
# nothing
pytest -k "a and b"
```

```python
# plants/conftest.py
names = ["`not code`"]
```
"""


def page(directory):
    path = directory / "page.md"
    path.write_text(PAGE)
    return path


def test_blocks_know_their_kind_line_comment_and_file(tmp_path):
    commands, file = blocks(page(tmp_path))
    assert (commands.kind, commands.line, commands.about, commands.file) == ("sh", 4, "fails", "")
    assert (file.kind, file.about, file.file) == ("python", "", "plants/conftest.py")


def test_commands_go_on_after_a_backslash_and_have_no_comments(tmp_path):
    assert blocks(page(tmp_path))[0].commands == ["fitgate compare a b", 'pytest -k "a and b"']


def test_spans_and_links_are_those_of_the_prose(tmp_path):
    assert (spans(page(tmp_path)), links(page(tmp_path))) == (["pytest -q"], ["other.md"])


def test_output_matches_whatever_stands_for_its_dots():
    assert matches("PASS: ... of 2\n  gates", "first\nPASS: 1 of 2 gates passed\n")
    assert not matches("PASS: ... of 2 gates", "FAIL: 1 of 2 gates\n")
