"""Attacks on the record: a secret that a run meets is in no byte that is kept, however the run ends."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from purpose_agent.agents.agent import Agent
from purpose_agent.agents.workspace import Workspace
from purpose_agent.core.action import Observation
from purpose_agent.core.messages import Message, ToolCall
from purpose_agent.core.model import Capabilities, ModelRequest, ModelResponse
from purpose_agent.core.secrets import FORMS, find_secrets, json_without_secrets, without_secrets
from purpose_agent.core.task import Check, Task
from purpose_agent.core.tool import tool
from purpose_agent.core.values import Episode, Experienced
from purpose_agent.runtime.events import CheckpointSaved, Event, ToolReturned
from purpose_agent.runtime.trace import payload_to_json
from purpose_agent.testing.models import RuleModel

pytestmark = pytest.mark.anyio

GOAL = "ghp_" + "g0AL" * 9
INPUT = "sk-proj-" + "1nPuT" * 6
OUTPUT = "AKIA" + "0UTPUTOUTPUTOUTP"
ANSWER = "hunter2A7x9Q"
LISTED = "xoxb-" + "L1STED-999-abcdef"
SECRETS = (GOAL, INPUT, OUTPUT, ANSWER, LISTED)


@tool
def look_up(what: str) -> str:
    """Look something up.

    Args:
        what: It.
    """
    return json.dumps({"what": what, "key": OUTPUT})


def model(request: ModelRequest) -> ModelResponse | str:
    """Looks up what its input holds, and tells a password in the end; its lessons are full of secrets."""
    if request.purpose == "reflect":
        return json.dumps({"when": "logging in", "then": f"use {OUTPUT}"})
    if any(message.role == "tool" for message in request.messages):
        return f"postgres://root:{ANSWER}@db.example/app"
    call = ToolCall("c1", "look_up", {"what": INPUT, "password": "x"} if "never" in request.text else {"what": INPUT})
    return ModelResponse(Message("assistant", (call,)), model="rule")


def kept(folder: Path) -> bytes:
    """Every byte of a workspace."""
    return b"".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())


def assert_none_kept(folder: Path) -> None:
    everything = kept(folder)
    assert len(everything) > 10_000
    for secret in SECRETS:
        # The index keeps words in lower case.
        assert secret.encode() not in everything
        assert secret.lower().encode() not in everything.lower()


TASK = Task(
    f"Log in with {GOAL}",
    inputs={"key": INPUT, "login": {"password": "correct horse battery"}},
    checks=[Check.contains("postgres")],
)


async def test_no_secret_of_a_run_is_kept_and_the_run_itself_sees_them_all(tmp_path: Path) -> None:
    seen: list[Event] = []
    place = Workspace(tmp_path)
    agent = Agent(
        "clerk",
        model=RuleModel(model, capabilities=Capabilities(choices=True, local=True, native_tools=True)),
        tools=[look_up],
        workspace=place,
    )

    result = await agent.run_async(TASK, watch=seen.append)

    assert ANSWER in str(result)
    outputs = [event.payload.observation for event in seen if isinstance(event.payload, ToolReturned)]
    assert any(OUTPUT in output.content and INPUT in output.content for output in outputs), outputs
    await place.settle_async()
    place.teach(f"log in with {OUTPUT}")
    trace = place.trace(result.id)
    assert all(secret not in trace.to_jsonl() for secret in SECRETS)
    assert all(secret not in result.trace.to_jsonl() for secret in SECRETS)
    assert place.run(result.id).goal == "Log in with [secret: github token]"
    assert trace.of(ToolReturned)[0].observation.content.count("[secret: ") == 2
    assert_none_kept(tmp_path)
    assert b"correct horse battery" not in kept(tmp_path)


async def test_no_secret_is_kept_of_what_is_admitted_or_told_by_others(tmp_path: Path) -> None:
    place = Workspace(tmp_path)
    await Agent("clerk", model=RuleModel(model), workspace=place).run_async("a first run, so that there is a file")
    step = Experienced(situation=f"the key is {LISTED}", options=(f"say {LISTED}", "wait"), option=f"say {LISTED}", reward=1.0)
    place.take_in("clerk", [Episode("run_x", "family", "open the door", (step,), success=True)], origin="user")
    memory = place.teach(f"log in with {GOAL}", when=f"the key is {INPUT}")

    assert memory.status == "rejected"
    assert "[redacted]" in place.memory(memory.id).lesson.then
    assert_none_kept(tmp_path)


CHILD = """
import os, sys
sys.path.insert(0, {tests!r})
from attack.test_secrets import *

@tool
def die(what: str) -> str:
    '''Die in the middle of the run.

    Args:
        what: It.
    '''
    os._exit(9)

def doomed(request):
    done = sum(message.role == "tool" for message in request.messages)
    name = "die" if done else "look_up"
    return ModelResponse(Message("assistant", (ToolCall(f"c{{done}}", name, {{"what": INPUT + OUTPUT}}),)), model="rule")

able = Capabilities(choices=True, local=True, native_tools=True)
Agent("clerk", model=RuleModel(doomed, capabilities=able), tools=[look_up, die], workspace={folder!r}).run(TASK)
"""


def test_no_secret_is_kept_of_a_run_whose_process_died_in_the_middle(tmp_path: Path) -> None:
    code = CHILD.format(tests=str(Path(__file__).parents[1]), folder=str(tmp_path))
    done = subprocess.run([sys.executable, "-c", code], env={**os.environ}, capture_output=True, text=True, check=False)

    assert done.returncode == 9, done.stderr
    (row,) = Workspace(tmp_path).runs()
    assert row.status == "interrupted"
    assert_none_kept(tmp_path)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("\nAKIAABCDEFGHIJKLMNOP", "aws key"),
        ("glpat-" + "a1B2c3D4e5F6g7H8i9J0", "gitlab token"),
        ("rk_live_" + "51Habcdefghijklm", "stripe key"),
        ("sk-ant-api03-" + "aB3" * 20, "model key"),
        ("AIza" + "SyA1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6Q", "google key"),
        ("npm_" + "a1B2c3" * 6, "npm token"),
        ("eyJhbGciOiJIUzI1NiJ9." + "eyJzdWIiOiIxIn0." + "c2lnbmF0dXJlMTIz", "json web token"),
        ("123456789:AA" + "b1C2d" * 6 + "xyz", "telegram token"),
        ("Authorization: Basic " + "dXNlcjpwYXNzd29yZA==", "login"),
        ("export DB_PASSWORD='c0rrecthorse7'", "password"),
        ('{\\"api_key\\": \\"a1b2c3d4e5f6\\"}', "password"),
        ("-----BEGIN EC PRIVATE KEY-----\n" + "MHcCAQEEIIGLw1kVb3\n" * 3 + "-----END EC PRIVATE KEY-----", "private key"),
    ],
)
def test_a_form_is_known(text: str, name: str) -> None:
    assert [found.name for found in find_secrets(f"so {text} it is")] == [name]
    assert f"[secret: {name}]" in without_secrets(text)
    assert f"[secret: {name}]" in json_without_secrets(json.dumps({"answer": text, "note": "\n"}))


@pytest.mark.parametrize(
    "text",
    [
        "The password is hashed with argon2id twice.",
        "Set API_KEY=your_api_key_1 in the shell.",
        "token = get_token2(user)",
        "Tokens that begin with ghp_ are GitHub's.",
        "https://docs.example/a:b@c",
        "sk-learn-is-a-fine-library-for-this",
        "the red key opens door 12; the token of the game is a hat",
        '{"input_tokens":1200,"output_tokens":30,"cached_tokens":0}',
        "9fceb02d0ae598e95dc970b74767f19372d61af8",
        "basic instructions for the washing machine",
    ],
)
def test_what_only_looks_like_one_stays(text: str) -> None:
    assert without_secrets(text) == text


@given(st.text(max_size=200), st.sampled_from(SECRETS[:3]), st.text(max_size=50))
def test_a_secret_in_any_json_is_replaced_and_the_rest_stays_json(before: str, secret: str, after: str) -> None:
    text = json.dumps({"a": [f"{before} {secret} {after}"], "n": 3}, ensure_ascii=False)

    clean = json_without_secrets(text)

    assert secret not in clean
    assert json.loads(clean)["n"] == 3
    assert json_without_secrets(clean) == clean


@given(st.text(max_size=300))
def test_any_text_can_be_cleaned_and_once_is_enough(text: str) -> None:
    clean = without_secrets(text)
    assert without_secrets(clean) == clean


def test_an_event_without_a_secret_is_kept_as_it_is() -> None:
    payload = ToolReturned(Observation("c1", "look_up", "the red key opens door 12", ok=True, seconds=0.1))
    assert '"content":"the red key opens door 12"' in payload_to_json(payload)


def test_numbers_of_tokens_hide_no_token_beside_them() -> None:
    clean = json_without_secrets('{"limits":{"tokens":null,"output_tokens":30},"auth_token":"a1b2c3d4e5f6"}')
    assert "a1b2c3d4e5f6" not in clean


def test_what_went_wrong_in_a_step_is_kept_without_secrets() -> None:
    kept = payload_to_json(CheckpointSaved(1, "The last tool call failed: password = c0rrecthorse7"))
    assert "c0rrecthorse7" not in kept


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.name)
def test_a_form_says_what_it_needs_in_lower_case(form: object) -> None:
    needs = getattr(form, "needs", ())
    assert needs
    assert all(need == need.lower() for need in needs)
