"""The page's modules joined to one script: it does what they do, and what it cannot join it refuses."""

import json
import subprocess

import pytest

from magicfixup_demo.ui.editor import WEB_FOLDER, editor_script, head_html
from magicfixup_demo.ui.script import joined

MODULES = {
    "main.js": 'import { Counter, twice } from "./parts/counter.js";\nimport * as words from "./words.js";\n\n'
    "export function tell() {\n  return `${words.greeting} ${twice(new Counter().next())}`;\n}\n"
    "export const calls = words.list;\n",
    "parts/counter.js": 'import { greeting, list } from "../words.js";\n\nlet own = 20;\n'
    "export class Counter {\n  next() {\n    list.push(greeting);\n    return ++own;\n  }\n}\n"
    "export const twice = (n) => 2 * n;\n",
    "words.js": '// import and export in a comment stay\nlet own = "hello";\nexport const greeting = own;\n'
    "export const list = [];\nexport async function* none() {}\n",
}


def write(folder, modules) -> None:
    for name, text in modules.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)


def told_by(node: str, script) -> list:
    ask = f"import {{ tell, calls }} from '{script.as_uri()}'; console.log(JSON.stringify([tell(), tell(), calls]));"
    done = subprocess.run([node, "--input-type=module", "-e", ask], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_joined_modules_do_what_modules_do(tmp_path, node):
    write(tmp_path, {**MODULES, "package.json": '{ "type": "module" }'})
    script = tmp_path / "joined.mjs"
    script.write_text(joined(tmp_path, "main.js"))
    assert told_by(node, script) == told_by(node, tmp_path / "main.js") == ["hello 42", "hello 44", ["hello", "hello"]]


@pytest.mark.parametrize(
    "line",
    [
        'import words from "./words.js";',
        'import { greeting as hello } from "./words.js";',
        'import {\n  greeting,\n} from "./words.js";',
        'import "./words.js";',
        "export default 1;",
        'export * from "./words.js";',
        "export { list };",
        "export let counted = 0;",
    ],
)
def test_other_forms_are_refused(tmp_path, line):
    write(tmp_path, {**MODULES, "main.js": f"{line}\n"})
    with pytest.raises(ValueError, match=r"main.js: .* is not a form that can be joined"):
        joined(tmp_path, "main.js")


def test_modules_that_import_each_other_are_refused(tmp_path):
    write(tmp_path, {**MODULES, "words.js": 'import { Counter } from "./parts/counter.js";\n' + MODULES["words.js"]})
    with pytest.raises(ValueError, match=r"main.js -> parts/counter.js -> words.js -> parts/counter.js"):
        joined(tmp_path, "main.js")


def test_the_page_asks_for_one_script_with_all_that_there_is():
    script = editor_script()
    text = script.content.decode()
    used = {str(path.relative_to(WEB_FOLDER)) for path in WEB_FOLDER.rglob("*.js")}
    assert {name for name in used if f"// {name}\n" in text} == used, "a module that nobody imports"
    assert head_html() == f'<link rel="modulepreload" href="{script.path[1:]}">'
