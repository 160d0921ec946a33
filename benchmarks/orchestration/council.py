"""What a council sends in each of its rounds: 5 members who never agree, 10 rounds, positions as long as they may be.

Counted are the characters of all requests of a round, instructions included, as the models get them. The first round has nobody's
positions in it yet; from the second on each prompt has those of the round before, and none from earlier. The model is a double: what
is sent does not depend on who answers. Each position is another one each round, of the same length.
"""

import json
from collections.abc import Callable, Mapping
from tempfile import TemporaryDirectory

import purpose_agent as pa
from benchmarks.figures import Figure, Figures
from benchmarks.parts import Amount
from purpose_agent.core.model import ModelRequest
from purpose_agent.testing.models import RuleModel

WANTED: Mapping[str, str] = {
    "council_chars_round_1": "characters sent in round 1 by 5 members",
    "council_chars_round_10": "characters sent in round 10 by 5 members",
}
QUESTION = "Should we use microservices?"
MEMBERS = ("alice", "bob", "carol", "dan", "erin")
ROUNDS = 10
POSITION = 240
"""Characters, all that is kept of one."""


def measure(options: Amount) -> Figures:
    """The same in quick: it takes a second."""
    sent = _sent()
    told = ", ".join(f"{characters:,}" for characters in sent)
    print(f"characters by round: {told}", flush=True)
    # Every member would read nine rounds of five positions instead of one.
    whole = sent[-1] + len(MEMBERS) * (ROUNDS - 2) * len(MEMBERS) * (POSITION + len("- alice (yes): \n"))
    about = f"{WANTED['council_chars_round_10']} (round 2: {sent[1]:,}; with all earlier positions it would be about {whole:,})"
    return {
        "council_chars_round_1": Figure(
            f"{WANTED['council_chars_round_1']}, when nobody has a position yet (round 2: {sent[1]:,})", sent[0], n=len(MEMBERS)
        ),
        "council_chars_round_10": Figure(about, sent[-1], n=len(MEMBERS)),
    }


def _sent() -> list[int]:
    """By round: characters of all requests."""
    with TemporaryDirectory() as folder:
        members = [
            pa.Spark(name, model=RuleModel(_says(place)), critic=None, workspace=folder) for place, name in enumerate(MEMBERS)
        ]
        council = pa.Council(members)
        result = council.run(QUESTION, rounds=ROUNDS)
        council.workspace.close()
    assert result.rounds == ROUNDS, result.summary()
    requests = [member.model.requests for member in members if isinstance(member.model, RuleModel)]
    assert all(len(asked) == ROUNDS for asked in requests), "one request for each turn"
    return [sum(len(asked[number].text) for asked in requests) for number in range(ROUNDS)]


def _says(place: int) -> Callable[[ModelRequest], str]:
    """Yes or no, by place, with other words each time."""
    turns: list[int] = []

    def rule(request: ModelRequest) -> str:
        turns.append(place)
        position = f"Reason {len(turns):02} of member {place}: ".ljust(POSITION, "x")
        return json.dumps({"reason": position, "stance": "no" if place % 2 else "yes"})

    return rule
