"""What `make docs` adds to the pages in docs/: the lesson as a page, the files of the repository that pages link to,
and the references that are made from the code (`references.py`).

ProperDocs calls `on_files` once, with the files in docs/, and `on_page_markdown` for each page.
"""

import re
import sys
from pathlib import Path
from posixpath import dirname, join, normpath, relpath

import jupytext
from properdocs.config.defaults import ProperDocsConfig
from properdocs.structure.files import File, Files
from properdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "docs"))
import references  # noqa: E402 - it stands beside this file, which is not in a package

LINK = re.compile(r"(?<=\]\()([^)\s#]+)")
ELSEWHERE = "repository/"
"""Where in the site files from outside docs/ stand."""
LESSON = "lesson.md"
PICTURES = (".svg", ".png")
MARKER = re.compile(r"<!-- made from the code: ([\w -]+) -->")


def on_files(files: Files, config: ProperDocsConfig) -> Files:
    """All files of the site. What a page links to outside docs/ comes along, and what that links to."""
    waiting = {LESSON: lesson()}
    made: dict[str, str | bytes] = {**waiting}
    waiting |= {f.src_uri: f.content_string for f in files.documentation_pages()}
    while waiting:
        name, text = waiting.popitem()
        for path in linked(name, text):
            if (uri := place(path)) not in made and files.get_file_from_path(uri) is None:
                made[uri] = content = contents(path)
                if path.endswith(".md") and isinstance(content, str):
                    waiting[uri] = content
    for uri, content in made.items():
        files.append(File.generated(config, uri, content=content))
    return files


def on_page_markdown(markdown: str, page: Page, config: ProperDocsConfig, files: Files) -> str:
    """The page's text with links to the site's own places, and with what is made from the code."""
    del config, files
    name = page.file.src_uri
    found = set(linked(name, markdown))
    here = dirname(name)

    def link(match: re.Match[str]) -> str:
        if Path(match[1]).name == "lesson.ipynb" and name != LESSON:  # which the site has as a page
            return relpath(LESSON, here or ".")
        path = normpath(join(dirname(origin(name)), match[1]))
        return relpath(place(path), here or ".") if path in found else match[1]

    return MARKER.sub(lambda match: references.MADE[match[1]](), LINK.sub(link, markdown))


def origin(name: str) -> str:
    """The path in the repository of a page of the site: links in its text start from there."""
    return name.removeprefix(ELSEWHERE) if name.startswith(ELSEWHERE) else f"docs/{name}"


def place(path: str) -> str:
    """Where in the site a path of the repository stands."""
    if path.startswith("docs/"):
        return path.removeprefix("docs/")
    return ELSEWHERE + path + ("" if path.endswith((".md", *PICTURES)) else ".md")


def linked(name: str, text: str) -> list[str]:
    """The files of the repository that a page's text links to, from outside docs/ or from outside into docs/."""
    paths = {normpath(join(dirname(origin(name)), target)) for target in LINK.findall(text)}
    outside = {path for path in paths if not path.startswith("docs/") or not origin(name).startswith("docs/")}
    return sorted(path for path in outside if not path.startswith("..") and (ROOT / path).is_file())


def contents(path: str) -> str | bytes:
    """A file of the repository as it stands in the site: pictures and text as they are, code as a page."""
    if path.endswith(PICTURES):
        return (ROOT / path).read_bytes()
    text = (ROOT / path).read_text(encoding="utf-8")
    if path.endswith(".md"):
        return text.replace("][", r"]\[")  # of a regular expression in a table: it is no link
    language = {"py": "python", "toml": "toml"}.get(path.rpartition(".")[2], "text")
    return f"---\nsearch:\n  exclude: true\n---\n\n# {path}\n\n````{language}\n{text}````\n"


def lesson() -> str:
    """The lesson as a page, from its source: text, and code that is not run."""
    cells = jupytext.read(ROOT / "docs" / "lesson.py").cells
    shown = (cell.source if cell.cell_type == "markdown" else f"```python\n{cell.source}\n```" for cell in cells)
    note = (
        "!!! note\n\n    This page is for reading. The lesson is meant to be run: open [the notebook](lesson.ipynb) in "
        "Jupyter, or [its source](lesson.py) in an editor that knows cells.\n"
    )
    first, *rest = [text.replace("<details>", '<details markdown="1">') for text in shown]
    return "\n\n".join([first.replace("\n", f"\n\n{note}", 1), *rest]) + "\n"
