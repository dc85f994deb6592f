"""The page as one HTML file: the template, its style, its scripts, the kernel and the model.

Scripts are plain ES modules, each with `import { a, b } from "./x.js";` in one line, and `export` before a function, a
class or a const. Names at their top level are unique in the whole page, so a bundle is the modules one after the other,
each after those that it imports, without these words. No template of theirs has a line break, so indents and blank
lines are left out. Four bundles begin with these modules:

    start.js        in the head of the page: starts the worker
    boot.js         the worker's first, which unpacks the next one, and the model
    worker.js       the worker's own, in base64 of gzip, as the model is
    view/main.js    the page's own

So the model is opened while the page is laid out. Scripts and model stand in the page, since one that is opened from a
disk may not load a second file. Comments for readers of the source are left out.
"""

import base64
import gzip
import hashlib
import re
from html import escape
from importlib.resources import files
from importlib.resources.abc import Traversable

from wavemore.errors import UsageError
from wavemore.models.modelfile import ModelFile
from wavemore.page.packing import packed

__all__ = ["bundle", "page_html"]

_IMPORT = re.compile(r'^import (?:\{[^}\n]*\} from )?"([^"\n]+)";\n', re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(?:async )?function|class|const)", re.MULTILINE)
_COMMENT = re.compile(r"^[ \t]*(?:/\*\*(?:(?!\*/).)*\*/|//[^\n]*)\n", re.MULTILINE | re.DOTALL)
_END_COMMENT = re.compile(r"""(?<=[;{,]) +// [^"'`\n]*$""", re.MULTILINE)  # with a quote it might be within a string
_INDENT = re.compile(r"^\s+", re.MULTILINE)
_PLACE = re.compile(r"\{\{(\w+)\}\}")
_POLICY = (
    "default-src 'none'; script-src {scripts} 'wasm-unsafe-eval' blob:; style-src 'sha256-{style}'; "
    "worker-src blob:; img-src data:; base-uri 'none'; form-action 'none'"
)


def page_html(file: ModelFile) -> str:
    """One self-contained HTML file with the model inside, which asks nothing of any other. Raises `UsageError` for a
    baseline that needs PyTorch, and `ModelFileError` for unsound counts."""
    model, app = packed(file), _app()
    scripts = {"start": _script("start.js"), "give": "opening.give();", "view": _script("view/main.js")}
    style = _INDENT.sub("", app.joinpath("style.css").read_text(encoding="utf-8"))
    name = model.header["about"]["list"]
    parts = {
        "title": escape(f"Strings like those of “{name}”" if name else "Strings like those of a list"),
        "policy": _POLICY.format(
            scripts=" ".join(f"'sha256-{_digest(script)}'" for script in scripts.values()), style=_digest(style)
        ),
        "style": style,
        "header": model.text().replace("<", "\\u003c"),
        "bytes": base64.b64encode(model.compressed()).decode(),
        "kernel": _module("kernel.wasm"),
        "counter": _module("counter.wasm") if model.header["ngram"] else "",
        "boot": _without_indents("boot.js"),
        "worker": base64.b64encode(gzip.compress(_without_indents("worker.js").encode(), 9, mtime=0)).decode(),
        **scripts,
    }
    page = app.joinpath("index.html").read_text(encoding="utf-8")
    return _PLACE.sub(lambda found: parts[found[1]], page)


def _module(name: str) -> str:
    """WebAssembly in base64."""
    return base64.b64encode(_app().joinpath("engine", name).read_bytes()).decode()


def _script(start: str) -> str:
    """A bundle as an element of the page: its names are its own."""
    return f"\n(() => {{\n'use strict';\n{_without_indents(start)}\n}})();\n"


def _without_indents(start: str) -> str:
    return _INDENT.sub("", bundle(start))


def _digest(text: str) -> str:
    """By which the policy knows a script or a style."""
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def bundle(start: str) -> str:
    """A module of the page and all that it imports, as one script."""
    order: list[str] = []
    _visit(start, order, ())
    text = "\n".join(["", *(_IMPORT.sub("", _COMMENT.sub("", _read(name))) for name in order)])
    return _inert(_END_COMMENT.sub("", _EXPORT.sub("", text)))


def _visit(name: str, order: list[str], above: tuple[str, ...]) -> None:
    """Put a module behind those that it imports."""
    if name in above:
        raise UsageError(f"the page's module {name} imports itself, through {' and '.join(above)}")
    if name in order:
        return
    for path in _IMPORT.findall(_read(name)):
        _visit(_beside(name, path), order, (*above, name))
    order.append(name)


def _beside(name: str, path: str) -> str:
    """The module that `path` means inside the module `name`."""
    parts = name.split("/")[:-1]
    for step in path.split("/"):
        if step == "..":
            parts.pop()
        elif step != ".":
            parts.append(step)
    return "/".join(parts)


def _inert(script: str) -> str:
    """The same script, with nothing in it that would end or nest the element around it."""
    return re.sub(r"<(?=/script|!--|script)", r"\\x3c", script, flags=re.IGNORECASE)


def _read(name: str) -> str:
    return _app().joinpath(*name.split("/")).read_text(encoding="utf-8")


def _app() -> Traversable:
    return files("wavemore.page").joinpath("app")
