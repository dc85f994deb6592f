"""The page as one HTML file: the template, its style, two bundles of scripts, the kernel and the model.

Scripts are plain ES modules, each with `import { a, b } from "./x.js";` in one line, and `export` before a function, a
class or a const. Names at their top level are unique in the whole page, so a bundle is the modules one after the other,
each after those that it imports, without these words. No template of theirs has a line break, so indents are left
out of the page's own. One bundle is the page's own, the other that of the worker, which
the page starts from its text, which it holds in base64 of gzip, as it does the model: a page that is opened from a disk
may not load a second file. Comments for readers of the source are left out of both.
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
_INDENT = re.compile(r"^ +", re.MULTILINE)
_PLACE = re.compile(r"\{\{(\w+)\}\}")
_POLICY = (
    "default-src 'none'; script-src 'sha256-{view}' 'wasm-unsafe-eval' blob:; style-src 'sha256-{style}'; "
    "worker-src blob:; img-src data:; base-uri 'none'; form-action 'none'"
)


def page_html(file: ModelFile) -> str:
    """One self-contained HTML file with the model inside, which asks nothing of any other. Raises `UsageError` for a
    baseline that needs PyTorch, and `ModelFileError` for unsound counts."""
    model, app = packed(file), _app()
    view = f"\n(() => {{\n'use strict';\n{_INDENT.sub('', bundle('view/main.js'))}\n}})();\n"
    style = app.joinpath("style.css").read_text(encoding="utf-8")
    name = model.header["about"]["list"]
    parts = {
        "title": escape(f"Strings like those of “{name}”" if name else "Strings like those of a list"),
        "policy": _POLICY.format(view=_digest(view), style=_digest(style)),
        "style": style,
        "header": model.text().replace("<", "\\u003c"),
        "bytes": base64.b64encode(model.compressed()).decode(),
        "kernel": base64.b64encode(app.joinpath("engine", "kernel.wasm").read_bytes()).decode(),
        "worker": base64.b64encode(gzip.compress(bundle("worker.js").encode(), 9, mtime=0)).decode(),
        "view": view,
    }
    page = app.joinpath("index.html").read_text(encoding="utf-8")
    return _PLACE.sub(lambda found: parts[found[1]], page)


def _digest(text: str) -> str:
    """By which the policy knows a script or a style."""
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def bundle(start: str) -> str:
    """A module of the page and all that it imports, as one script."""
    order: list[str] = []
    _visit(start, order, ())
    texts = [_EXPORT.sub("", _IMPORT.sub("", _COMMENT.sub("", _read(name)))) for name in order]
    return _inert("\n".join(["", *texts]))


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
