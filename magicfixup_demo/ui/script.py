"""The page's JavaScript as one file: of a hundred modules a browser learns level by level, and the server answers each.

The modules of ``web/`` keep to a few forms, so that no parser is needed: an import is one line,
``import { a, b } from "./x.js";`` or ``import * as x from "./x.js";``, and ``export`` stands before a declaration. Each
becomes a function that returns what it exports, after those that it imports.
"""

import functools
import posixpath
import re
from pathlib import Path

from magicfixup_demo.serving.kept import KeptFile

NAMES = r"\{ [\w$]+(?:, [\w$]+)* \}|\* as [\w$]+"
IMPORT = re.compile(rf'^import (?P<names>{NAMES}) from "(?P<path>\.[^"]+)";$', re.MULTILINE)
EXPORT = re.compile(r"^export (?=(?:async )?(?:const|class|function\*?) (?P<name>[\w$]+))", re.MULTILINE)
LEFT = re.compile(r"^(?:import|export)\b.*", re.MULTILINE)
TYPE = "text/javascript; charset=utf-8"


@functools.cache
def page_script(folder: Path, entry: str) -> KeptFile:
    """``entry`` of ``folder`` with all that it imports, as a module with the same exports. See ``joined``."""
    return KeptFile(Path(entry).stem, "js", TYPE, joined(folder, entry).encode())


def joined(folder: Path, entry: str) -> str:
    """The module ``entry`` (a path below ``folder``) and those that it imports, in one.

    Raises ValueError for a form that is not of the above, and for modules that import each other.
    """
    texts: list[str] = []
    exports = _take(folder, entry, (), {}, texts)
    return "\n".join([*texts, f"export const {{ {', '.join(exports)} }} = {_variable(entry)};\n"])


def _take(folder: Path, name: str, above: tuple[str, ...], done: dict[str, list[str]], texts: list[str]) -> list[str]:
    """Append the module ``name`` to ``texts``, after those that it imports, unless it is ``done``; -> its exports."""
    if name in above:
        raise ValueError(f"modules import each other: {' -> '.join((*above, name))}")
    if name not in done:
        text = (folder / name).read_text("utf-8")
        for imported in IMPORT.finditer(text):
            _take(folder, _beside(name, imported["path"]), (*above, name), done, texts)
        done[name] = [exported["name"] for exported in EXPORT.finditer(text)]
        texts.append(_wrapped(name, text, done[name]))
    return done[name]


def _wrapped(name: str, text: str, exports: list[str]) -> str:
    def constant(imported: re.Match) -> str:
        return f"const {imported['names'].removeprefix('* as ')} = {_variable(_beside(name, imported['path']))};"

    body = EXPORT.sub("", IMPORT.sub(constant, text))
    if left := LEFT.search(body):
        raise ValueError(f"{name}: {left[0]!r} is not a form that can be joined")
    return f"// {name}\nconst {_variable(name)} = (() => {{\n{body}return {{ {', '.join(exports)} }};\n}})();"


def _beside(name: str, path: str) -> str:
    return posixpath.normpath(posixpath.join(posixpath.dirname(name), path))


def _variable(name: str) -> str:
    return "$" + re.sub(r"\W", "$", name.removesuffix(".js"))
