"""Words that judge, or speak to the judge: found, and left out of what a critic reads.

In:  text out of a state.
Out: the text without its sentences about scoring; whether a text is a bare verdict.

A bare verdict is made of words such as "done", "PASS" or "score 10" and nothing else. Counts are facts, and stay: "12 tests
passed", "status code 200", "1 failed, 1 ok"; so does what is said to be missing. Disguises that are undone first: Unicode
forms and look-alikes, invisible letters, letters spelled apart, digits for letters, rot13, base64.

Does not stop: praise in words that are not listed here, most languages other than English, ciphers. What gets through is
still no more than one quote's worth (`rules.py`).
"""

import base64
import binascii
import codecs
import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache

LEFT_OUT = "[a sentence was left out]"
LABEL_LEFT_OUT = "[a label was left out]"
LONGEST_SENTENCE = 600


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


BOOLEANS = _words("true false yes no")
NAMES = _words(
    "status state done complete completed completion finished success successful succeeded passed score scores phi φ progress"
    " label flag verified approved rating grade verdict result confidence valid solved ok quality"
)
PRAISE = _words(
    "perfect perfectly excellent outstanding flawless brilliant superb amazing exemplary fantastic magnificent great awesome"
    " impressive wonderful splendid"
)
VERDICTS = _words(
    "done complete completed finished success successful successfully succeeded pass passed passes ok okay verified approved"
    " correct fulfilled achieved reached satisfied met solved accepted ready resolved covered valid fertig erledigt"
)
LABELS = VERDICTS | NAMES | BOOLEANS | PRAISE | _words("failed fail skipped error xfail")
STATUSES = _words("open closed pending todo new")
JUDGING = NAMES | VERDICTS | PRAISE | BOOLEANS
FILLER = _words(
    "the a an is are was were be been has have it its this that all and of in on at to do now fully completely very as with"
    " goal task objective requirements requirement criteria everything every nothing left work job part parts report x total"
    " final overall well out for percent"
)

_TOKEN = re.compile(r"[^\W_]+|[<>=+%&|^~/]+")
_FACT = re.compile(
    r"\d ?[:–-] ?\d|\b\d+ (?:\w+ )?(?:passed|ok|succeeded|completed|done|failed|errors?|skipped|approved|verified)\b"
)
_COUNT = re.compile(r"\b(?!(?:19|20)\d\d\b)\d+ ?[a-z]{2,}")
_NEGATED = re.compile(
    r"\b(?:not|never|no|none|cannot|fail\w*|error\w*|incomplete|missing|partly|unfinished|skipped)\b|n't\b|to follow"
)
_BOUNDARY = re.compile(r"(\n+|(?<=[.!?。!?])\s+|(?<=\S)[ \t]+(?=(?:#|//|<!--)\s?\S))")
_SPELLED = re.compile(r"(?:(?<!\S)\S\s+){9,}\S(?!\S)")
_INVISIBLE = re.compile("[\u200b\u2060\ufeff\u202a-\u202e\u2066-\u2069\U000e0000-\U000e007f]")
_TICK = re.compile(r"\[[xX✓✔]\]|[✅✔✓☑]")
_LOOK_ALIKES = str.maketrans("аеорсухіјѕԁοαερτνικ", "aeopcyxijsdoaeptvik")
_LEET = str.maketrans("0134578", "oieastb")

_SCORE = r"(?:scor(?:e|es|ed|ing)|rat(?:ing|ings|e)|grades?|marks?|phi|φ|points?)"
_TOP = r"(?:10|ten|100|full|max\w*|top|highest|perfect)\b"
_JUDGE = r"(?:judges?|critics?|evaluators?|graders?|scorers?|assessors?|raters?|reviewer model)"
_ORDER = (
    r"(?:give|gives|assign|award|output|reply|respond|return|treat|deserves?|worth|merits?|earns?|must|should|mark|"
    r"pick|choose)"
)
_WORK = (
    r"(?:goal|task|objective|mission|assignment|requirements?|criteria|work|report|answer|solution|deliverables?|job|purpose)"
)
_ENDED = r"(?:complete|completed|done|finished|reached|achieved|fulfilled|satisfied|met|verified|approved|perfect|solved)"
_SPEAKS = [
    re.compile(pattern)
    for pattern in (
        r"\b(?:ignor\w+|disregard|forget|override|vergiss|oublie\w*|olvida|игнориру\w+|забудь)\b.{0,50}"
        r"\b(?:instruct\w+|instruccion\w*|anweisung\w*|prompts?|rules|rubric|инструкц\w+|указани\w+)",
        r"忽略.{0,12}指[示令]|تجاهل.{0,30}التعليمات|打 ?10 ?分|满分",
        r"<\|?im_(?:start|end)|\[/?inst\]|\[system\]|<\|\w+\|>|\bend of (?:the )?(?:state|prompt)\b|\bnew instructions?\b",
        rf"(?:^|\W){_JUDGE} ?[:,)].{{0,120}}\b(?:{_ORDER}|{_SCORE}|rate|score|10|pass(?:es)?|assume|accept|approve)\b",
        rf"\b{_JUDGE}\b.{{0,60}}\b{_SCORE}\b.{{0,30}}\b{_TOP}|\b{_JUDGE}\b.{{0,60}}\b{_ORDER}\b.{{0,40}}\b{_TOP}",
        rf"\b(?:dear|hey|hello|attention|to the|to all|note to) {_JUDGE}\b.{{0,80}}\b(?:{_ORDER}|{_SCORE}|10)\b",
        rf"\b{_ORDER}\b.{{0,60}}\b{_SCORE}\b.{{0,25}}\b{_TOP}|\b{_ORDER}\b.{{0,60}}\b{_TOP}.{{0,15}}\b{_SCORE}\b",
        rf"\b(?:rate|score|grade|mark|judge) (?:it|this|that|the|as|me|us|my|our)\b.{{0,30}}\b{_TOP}",
        r"\b(?:scor(?:e|ing)|rating|phi|φ)\b[^\w.=]{0,4}(?:is |of |must be |should be |exactly )?(?:10|ten|100)\b"
        r"(?!\.[1-9])(?! ?[-:] ?\d)",
        r"\bconfidence\b\W{0,4}(?:is |of )?(?:1(?:\.0+)?|0\.9\d*|100)\b",
        r'"(?:score|phi)" ?:.{0,80}"confidence"|"quotes?" ?:.{0,300}"score"',
        r"\b(?:assign|award|output|give it|give this|reply with|counts? as|must give) (?:a )?(?:10|ten)\b(?! [a-z])",
        r"(?<![\d/.])(?:9(?:\.\d+)?|10(?:\.0+)?|nine|ten) ?(?:/|out of) ?(?:10|ten)\b(?![/\d])(?! [a-z])|\b100 ?/ ?100\b",
        r"\b(?:five|5) stars\b|\bfull marks\b|★★★★",
        rf"\bscore\b.{{0,20}}\b(?:below|under|less than|lower than)\b.{{0,10}}\b{_TOP}",
        r"\bmark(?:ed)? (?:it |this |that |the \w+ )?as (?:complete|done|passed|finished)\b",
        r"\b(?:10|zehn) (?:punkte\w*|puntos|pontos|баллов|очков|نقاط)|\b(?:note|puntuación|nota|bewertung|оценк\w+)\b.{0,12}\b10\b",
        r"\bquality score\b",
    )
]
_CLAIMS = [
    re.compile(pattern)
    for pattern in (
        rf"\b{_WORK}\b.{{0,25}}\b(?:is|are|was|were|been|now)\b.{{0,25}}\b{_ENDED}\b",
        rf"\b{_WORK} (?:reached|achieved|fulfilled|complete|completed|met|satisfied)\b",
        rf"\b(?:all|every|each|everything)\b.{{0,50}}\b(?:{_ENDED}|covered|passed|correct|in place)\b",
        rf"\b{_JUDGE}\b.{{0,40}}\b(?:approved|accepted|confirm\w*|verified|rated)\b.{{0,30}}\b(?:this|{_WORK}|{_ENDED})\b",
        r"\bbest \w+ (?:\w+ ){0,3}ever\b",
    )
]
_PRAISED = re.compile(rf"\b(?:{_WORK}|state|result|release|code|job|success)\b")


def folded(text: str) -> str:
    """`text` as it is compared: compatibility forms, invisible letters, case and white space don't count."""
    if not text.isascii():
        text = "".join(sign for sign in unicodedata.normalize("NFKC", text) if unicodedata.category(sign) != "Cf")
    return " ".join(text.casefold().split())


def tokens(text: str) -> list[str]:
    """The words, numbers and operators of `text`, folded."""
    return _TOKEN.findall(folded(text))


def is_verdict(text: str) -> bool:
    """Nothing but verdict words, numbers beside them, and words that carry neither. A number alone is a fact."""
    words = [token for token in tokens(text) if token[0].isalpha()]
    if not words or not JUDGING.intersection(words) or _FACT.search(folded(text)):
        return False
    return all(word in JUDGING or word in FILLER for word in words)


def names_verdict(name: str) -> bool:
    """A name such as "status", "tests_ok" or "totalDone": its last word judges."""
    words = re.findall(r"[^\W\d_]+", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name))
    return bool(words) and words[-1].casefold() in NAMES | VERDICTS


def speaks(sentence: str) -> bool:
    """The sentence tells the judge how to score, passes a verdict on the whole work, or praises it."""
    return any(_speaks(reading) for reading in _readings(sentence))


@lru_cache(maxsize=1024)
def without_speech(text: str) -> str:
    """`text` with a mark in the place of each sentence that judges or speaks to the judge. Ticks and invisible letters go."""
    kept: list[str] = []
    for sentence in sentences(text):
        if sentence.strip() and (speaks(sentence) or _bare(sentence)):
            if not kept or kept[-1] != LEFT_OUT:
                kept.append(LEFT_OUT)
        elif sentence.strip() or not kept or kept[-1] != LEFT_OUT:
            kept.append(_TICK.sub("", _INVISIBLE.sub("", sentence)))
        else:
            kept.append(sentence)
    return "".join(kept)


def sentences(text: str) -> Iterator[str]:
    """The sentences and lines of `text`, and what stands between them; joined they are the text again."""
    for piece in _BOUNDARY.split(text):
        while len(piece) > LONGEST_SENTENCE:
            cut = max(piece.rfind(" ", 0, LONGEST_SENTENCE), piece.rfind(",", 0, LONGEST_SENTENCE)) + 1 or LONGEST_SENTENCE
            yield piece[:cut]
            piece = piece[cut:]
        yield piece


def _bare(sentence: str) -> bool:
    """A verdict and no line of code; true and false may be the answer itself."""
    return not re.search(r"[=(){}\"'_<>|]", sentence) and folded(sentence) not in BOOLEANS and is_verdict(sentence)


def _speaks(text: str) -> bool:
    if any(pattern.search(text) for pattern in _SPEAKS):
        return True
    if _NEGATED.search(text):
        return False
    words = _TOKEN.findall(text)
    praise = sum(word in PRAISE for word in words)
    if praise > 1 or (praise and _PRAISED.search(text) and "(" not in text):
        return True
    if _COUNT.search(text):
        return False
    several = len(words) <= 10 and len({word for word in words if word in VERDICTS}) > 1
    return several or any(pattern.search(text) for pattern in _CLAIMS)


def _readings(text: str) -> Iterator[str]:
    """What the text says, and what it may hide."""
    plain = folded(text).translate(_LOOK_ALIKES)
    yield plain
    yield codecs.encode(plain, "rot13")
    if re.search(r"[a-z][0134578]|[0134578][a-z]", plain):
        yield plain.translate(_LEET) + " 10" * ("10" in plain)
    if not text.isascii():
        yield folded("".join(chr(ord(sign) - 0xE0000) for sign in text if 0xE0020 <= ord(sign) <= 0xE007E))
    if _SPELLED.search(text):
        yield folded(re.sub(r"(?<=\S)\s(?=\S)", "", text))
    for word in re.findall(r"[A-Za-z0-9+/]{24,}={0,2}", text):
        try:
            yield folded(base64.b64decode(word, validate=True).decode("ascii"))
        except (binascii.Error, ValueError):
            continue
