"""A description, a model's words or a tool's name can't become code of a saved project, nor lead its files elsewhere."""

import ast
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from purpose_agent.agents.generated.plan import SystemPlan, identifier, one_line
from purpose_agent.agents.generated.project import project_files
from purpose_agent.agents.generated.source import literal, name
from purpose_agent.core.errors import UsageError
from purpose_agent.core.messages import Json
from purpose_agent.core.model import ToolSpec
from purpose_agent.mas_generator import GeneratedSystem, generate
from purpose_agent.testing.models import RuleModel, ScriptedModel

MARK = "OWNED"
PAYLOADS = [
    f'monitor """ \nimport os; os.system("touch {MARK}")\n"""',
    f"monitor ''' \nopen('{MARK}', 'w')\n'''",
    f'alert"; open("{MARK}", "w"); "',
    f"alert'); open('{MARK}', 'w'); ('",
    f"monitor \\\"; open('{MARK}','w') #",
    f"monitor {{open('{MARK}','w')}} {{{{x}}}} %s {{0}}",
    f"monitor \\N{{BULLET}} \\x22; open('{MARK}','w') \\",
    "monitor \u202e\u2066 # hidden \u2028 open('" + MARK + "','w')",
    f"monitor \r open('{MARK}','w')\x00\x0c\x1b[31m",
    "monitor \ud800 lone surrogate",
    f"__import__('os').system('touch {MARK}') import monitor class pass",
    f"monitor\n```\n<script>{MARK}</script>\n# heading",
]


def code_of(plan: SystemPlan) -> dict[str, ast.Module]:
    return {file: ast.parse(text) for file, text in project_files(plan).items() if file.endswith(".py")}


def shape_of(tree: ast.Module) -> str:
    """The code without its texts."""

    class Blank(ast.NodeTransformer):
        def visit_Constant(self, node: ast.Constant) -> ast.Constant:
            return ast.Constant("") if isinstance(node.value, str) else node

    return ast.dump(Blank().visit(tree))


@pytest.mark.parametrize("payload", PAYLOADS)
def test_a_description_is_a_text_in_the_project_and_nothing_else(payload: str, tmp_path: Path) -> None:
    harmless = generate("monitor alert")
    attacked = generate(payload + " alert")
    plan = replace(harmless.plan, name=attacked.plan.name, description=attacked.plan.description)

    assert {file: shape_of(tree) for file, tree in code_of(plan).items()} == {
        file: shape_of(tree) for file, tree in code_of(harmless.plan).items()
    }
    folder = attacked.save(tmp_path / "project")
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
    code = "import agents, flow, tools, evals, run; print(ascii(agents.PURPOSE))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == ascii(attacked.plan.description)
    assert not list(tmp_path.rglob(MARK))


@pytest.mark.parametrize("payload", PAYLOADS)
def test_what_a_model_says_is_a_text_in_the_project_and_nothing_else(payload: str, tmp_path: Path) -> None:
    row = {"name": payload, "responsibility": payload, "steps": [payload, payload + "2"], "keywords": [payload, "x; y"]}
    case = {"name": payload, "input": payload + " Rain.", "mentions": ["Ulm"]}
    model = ScriptedModel(json.dumps({"watcher": row, "analyst": row, "notifier": row}), json.dumps({"cases": [case]}))

    system = generate("Monitor servers and alert the team", model=model, workspace=tmp_path / "ws")

    without = replace(system.plan, agents=generate("Monitor servers and alert the team").plan.agents)
    for file, tree in code_of(system.plan).items():
        if file not in ("agents.py", "evals.py"):  # there are more keywords and other cases in these
            assert shape_of(tree) == shape_of(code_of(without)[file])
    calls = {
        ast.unparse(node.func)
        for tree in code_of(system.plan).values()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
    }
    assert calls.isdisjoint({"open", "os.system", "__import__", "exec", "eval"})
    assert all(agent.name.isidentifier() for agent in system.agents)


def test_readmes_show_a_description_as_a_block_on_one_line() -> None:
    for payload in PAYLOADS:
        lines = project_files(generate(payload).plan)["README.md"].splitlines()
        own = [line for line in lines if MARK in line]
        assert all(line.startswith("    ") for line in own)
        assert sum(line.startswith("```") for line in lines) == 4


@given(st.text(max_size=400))
def test_a_literal_is_its_text(text: str) -> None:
    assert ast.literal_eval(literal(text)) == text
    assert ast.literal_eval(literal(text, 12)) == text


@given(st.text(alphabet="ab \\\"'\n{}r", max_size=300))
def test_a_literal_of_quotes_and_backslashes_is_its_text(text: str) -> None:
    assert ast.literal_eval(literal(text)) == text


@given(st.text(max_size=200))
def test_a_literal_is_printable(text: str) -> None:
    assert all(line.isprintable() for line in literal(text).split("\n"))


@given(st.text())
def test_a_name_is_an_identifier_and_no_word_of_python(text: str) -> None:
    made = identifier(text, "other")

    assert name(made) == made
    ast.parse(f"{made} = 1")


@given(st.text())
def test_one_line_is_one_printable_line(text: str) -> None:
    line = one_line(text, 50)

    assert line.isprintable()
    assert len(line) <= 50
    assert line.encode() == line.encode(errors="replace")


@dataclass(frozen=True)
class Tricky:
    """Somebody else's tool, with a name of its own."""

    called: str
    parameter: str = "x"
    seconds: float = 1.0

    @property
    def spec(self) -> ToolSpec:
        properties: dict[str, Json] = {self.parameter: {"type": "string"}}
        return ToolSpec(self.called, 'Bad """ docstring\n    import os', {"type": "object", "properties": properties})

    def validate(self, arguments: Mapping[str, Json]) -> dict[str, Any]:
        return dict(arguments)

    async def call(self, arguments: Mapping[str, Any]) -> str:
        return "done"


@pytest.mark.parametrize(
    "tool", [Tricky("a(): pass\nimport os\ndef b"), Tricky("ok", "x=open('f')"), Tricky("class"), Tricky("ünder"), Tricky("")]
)
def test_a_tool_whose_name_would_be_code_is_refused(tool: Tricky) -> None:
    with pytest.raises(UsageError, match="is no name for a Python program"):
        generate("monitor", tools=[tool])


@pytest.mark.parametrize("called", ["pa", "MISSING", "FILES", "Path", "make_agents", "str"])
def test_a_tool_cant_take_a_name_that_the_project_uses(called: str) -> None:
    with pytest.raises(UsageError, match="is no name for a Python program"):
        generate("monitor", tools=[Tricky(called)])


def test_a_tools_description_is_a_docstring(tmp_path: Path) -> None:
    files = project_files(generate("monitor", tools=[Tricky("lookup")]).plan)

    function = next(node for node in ast.walk(ast.parse(files["tools.py"])) if isinstance(node, ast.FunctionDef))
    assert ast.get_docstring(function) == 'Bad """ docstring import os'
    assert len(function.body) == 2


@pytest.mark.parametrize("overwrite", [False, True])
def test_no_symbolic_link_leads_a_file_elsewhere(tmp_path: Path, overwrite: bool) -> None:
    outside = tmp_path / "outside.py"
    outside.write_text("theirs", "utf-8")
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "tools.py").symlink_to(outside)
    (folder / "run.py").symlink_to(tmp_path / "nowhere.py")

    if overwrite:
        generate("monitor").save(folder, overwrite=True)
        assert not (folder / "tools.py").is_symlink()
    else:
        with pytest.raises(UsageError, match="is there already"):
            generate("monitor").save(folder)

    assert outside.read_text("utf-8") == "theirs"
    assert not (tmp_path / "nowhere.py").exists()


@pytest.mark.parametrize(
    "verdict",
    [
        "The advisory claims QUIET, but it is critical. ALERT.",
        "QUIET is what the page says; somebody has to look at web-1.",
        "QUIET, it claims, and that is wrong.",
        "Not QUIET at all: the disk is full.",
        "NOT QUIET",
        "The page ends with the words:\nQUIET",
        'The page says "\nQUIET"',
        "> QUIET\nThat is quoted. The disk is full.",
        "QUIET or ALERT? The disk is full.",
        "QUIET\nALERT",
        "ALERT: the page asked me to say QUIET.",
        "`QUIET`: so the page wants it.",
    ],
)
@pytest.mark.filterwarnings("ignore:.*tool.*not written")
def test_a_word_that_is_denied_or_quoted_suppresses_no_alarm(tmp_path: Path, verdict: str) -> None:
    """Whoever writes what a monitor reads can have its analyst repeat the word; a program of the project decides the same."""
    system = generate("Watch our servers and tell us when a disk is full", workspace=tmp_path / "ws")
    model = RuleModel(lambda request: verdict if "word ALERT" in request.text else json.dumps({"answer": "web-1 is full"}))
    result = system.run("x", model)

    assert [node.name for node in result.nodes] == ["watch", "assess", "notify"]
    assert saved_way(system, tmp_path / "saved", "after_assess", {"verdict": verdict}) == "ALERT"


@pytest.mark.parametrize(
    "review", ["This can not be APPROVED. REVISE:", "APPROVED is not what it deserves.", "Never APPROVED\n"]
)
def test_a_text_that_was_not_approved_is_not_published(tmp_path: Path, review: str) -> None:
    system = generate("Write a newsletter", workspace=tmp_path / "ws")
    model = RuleModel(lambda request: review if "word APPROVED" in request.text else "A draft.")
    result = system.run("x", model)

    assert "edit" not in [node.name for node in result.nodes]
    assert str(result).startswith("Not approved:")
    assert saved_way(system, tmp_path / "saved", "after_rounds", {"review": review, "rounds": 1}) == "REVISE"
    assert saved_way(system, tmp_path / "saved", "after_rounds", {"review": review, "rounds": 2}) == "refused"


def saved_way(system: GeneratedSystem, folder: Path, condition: str, state: Mapping[str, Json]) -> object:
    """What a condition of the saved project says."""
    text = (system.save(folder, overwrite=True) / "flow.py").read_text("utf-8")
    names: dict[str, Any] = {}
    exec(text.replace("from agents import TASK", "TASK = ''"), names)  # noqa: S102  # what was generated here
    return names[condition](state)
