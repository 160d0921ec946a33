"""Lists of words that several phrases speak of. `stem*` stands for all words that begin so."""

from collections.abc import Mapping
from typing import Final

WORDS: Final[Mapping[str, str]] = {
    # To set aside what was said before.
    "OVERRIDE": "ignor*|disregard*|forget|forgets|overrid*|bypass*|overlook*|abandon*|discard*|supersed*|neglect",
    "PRIOR": "previous|prior|earlier|above|preceding|your|system|developer|safety|original|initial"
    "|foregoing|former|existing|reviewer",
    "ORDERS": "instruction*|directive*|guideline*|rule|rules|orders|prompt|prompts|restriction*|boundary|boundaries|constraint*"
    "|programming|purpose|stuff|training|filters",
    "OVERRIDE_ELSEWHERE": "ignorier*|vergiss|vergesst|missacht*|ignorez|ignora|ignore|oubli*|olvid*"
    "|dimentic*|esquec*|negeer|vergeet"
    "|игнорир*|проигнорир*|забуд*",
    "ORDERS_ELSEWHERE": "anweisung*|regeln|richtlinie*|vorgaben|instrucci*|istruzion*|instruco*|regles"
    "|consignes|reglas|regole|regras"
    "|directri*|instructies|правил*|инструкц*|указан*",
    "LIMITS": "restriction*|limits|limit|rules|filter|filters|guardrails|refusal|censorship",
    "TELL": "reveal*|show|print|output|repeat|display|leak|dump|list|tell|give|disclos*|expos*|summari*|state|recite|include",
    "HAND": "reveal|print|output|leak|dump|disclose|expose|exfiltrate|steal|hand",
    "SEND": "send|forward|email|mail|post|upload|transmit|exfiltrat*|deliver|copy|cc|bcc",
    "CONFIDENTIAL": "password*|passwort|credential*|secret|secrets|keys|tokens|contacts|variables|conversation|emails|history",
    "MACHINE": "ai|bot|bots|assistant|assistants|llm|llms|agents|language|coding",
    "PERSON": "user*|owner*|person*|people|operator*|anyone|human*|reviewer*",
    "REPLY": "reply|replies|respon*|answer|answers|report|reports|summar*|message|messages|review|reviews",
    # Who gives marks, and what a memory is proved by.
    "JUDGE": "critic|critics|judge|judges|grader*|evaluator*|scorer*",
    "PROOF": "trial|trials|falsification|evaluation|quarantine|gate|critic|critics|ablation|scanner*|scan|replay",
    "MARK": "score*|mark|marks|point|points|rating*|grade|grades|phi",
    "TOP": "10|ten|100|max*|full|perfect|high*|top",
    # What keeps a tool from harm.
    "GUARD": "firewall*|sandbox*|certificate*|tls|ssl|authenticat*|authoriz*|limiter*|guard|guards"
    "|guardrails|safety|security|antivirus"
    "|selinux|approval*|confirmation*|permission*|audit*|monitoring|allowlist",
    "SPEND": "pay*|transfer*|delet*|send*|buy*|purchas*|merg*|deploy*|push*|execut*|install*|refund*|publish*|wire|book*|run|runs"
    "|running",
    "MEMORY": "this|these|memory|memories|card|cards|rule|rules|entry|entries|lesson|lessons"
    "|instruction*|note|notes|preference*|tip|tips",
    "ALL": "all|every|each|any",
    "SOMEBODY": "agent|agents|team|teams|session|sessions|run|runs|model|models|bot|bots|assistant|assistants",
    "EVERYBODY": "account*|user*|customer*|tenant*|team*|agent*|people|project*|department*|office*|region*|format*",
}
