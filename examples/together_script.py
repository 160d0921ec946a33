"""What the scripted model of `together.py` says. It stands for a model: none of it is thought out.

In:  the model's name, all that was said to it.
Out: the reply to the first rule whose words occur.
"""

import json

RIGHT = "```python\ndef fibonacci(n):\n    a, b = 0, 1\n    for _ in range(n):\n        a, b = b, a + b\n    return a\n```"
WRONG = "```python\ndef fibonacci(n):\n    return 1 if n < 2 else fibonacci(n - 1) + fibonacci(n - 2)\n```"
REFUND = "You have your money back after a month at most [1]."
ALERT = "acme/parser 2.3 has a critical hole, CVE-2026-0001; update it to 2.4."
FACT = "Bees dance to say where the flowers are."
MEALS = {"bee": "A bee eats nectar.", "cat": "A cat eats meat.", "cow": "A cow eats grass."}
PLAN = '1. price(item="tea")\n2. price(item="milk")\n3. add(a=$1, b=$2)\njoin()'
REASON = "Three people have enough to do with one of them."
SUM = "Together they cost 4.75 euros."

ANSWERS = (
    ("software architect", "1. Begin with 0 and 1.\n2. Go on n times."),
    ("Always handle edge cases", RIGHT),
    ("Its tests failed", RIGHT),
    ("fibonacci", WRONG),
    ("refund policy", REFUND),
    ("You are the greeter", "The customer sent a parcel back and waits for the money."),
    ("You are the resolver", "Dear customer, the money is on its way."),
    ("Build a web scraper", "import urllib.request\nprint(len(urllib.request.__doc__ or ''))"),
    ("Research the topic", FACT),
    ("Write the code", 'print("Bees dance.")'),
    ("You are the watcher", "parser: one critical hole, mended in version 2.4."),
    ("You are the analyst", "ALERT: a critical hole."),
    ("You are the notifier", ALERT),
    ("You are the writer", "By its dance a bee tells where flowers stand."),
    ("sentence about bees", FACT),
    ("six times seven", "42"),
    ("capital of France", "Paris"),
    *((f"what a {animal} eats", meal) for animal, meal in MEALS.items()),
)


def script(model: str, said: str) -> str:
    """The reply; of an agent with tools that writes JSON, a call of the tool that is its job, and then the answer."""
    if "Write one lesson" in said or "Write one instruction" in said:
        return json.dumps({"when": "writing a recursive function", "then": "Test n=0 first.", "tier": "procedural"})
    if '"quotes"' in said:
        return json.dumps({"quotes": [_seen(said)], "score": 9, "confidence": 0.9})
    if "You test programs" in said:
        return json.dumps(
            {"assertions": [{"call": "fibonacci(0)", "expected": "0"}, {"call": "fibonacci(7)", "expected": "13"}]}
        )
    if '"stance"' in said:
        stance = "yes" if "You are the bob" in said else "no"
        return json.dumps({"reason": REASON, "stance": stance})
    if "cost together" in said:
        return f"Answer: {SUM}" if "4.75" in said else PLAN
    if "capital of France" in said and model == "small":
        return "Lyon"
    answer = next((answer for words, answer in ANSWERS if words in said), "I don't know.")
    if '{"tool": "NAME"' not in said:
        return answer
    if "You are the notifier" in said and "sent: " not in said:
        return json.dumps({"tool": "send_alert", "arguments": {"message": ALERT}})
    return json.dumps({"answer": answer})


def _seen(said: str) -> str:
    """What of the known answers stands in the state that is judged."""
    state = said.rpartition("State:")[2] or said
    known = [REASON, SUM, *(answer.splitlines()[0] for _, answer in ANSWERS)]
    return next((line for line in known if line in state), "nothing")
