"""Secrets in a text: their forms, where they stand, and the text without them.

In:  any text, or the JSON text of something that is to be kept.
Out: the same with a mark such as "[secret: aws key]" where a secret stood.

Each form has literals that must be there before its pattern is tried, so that a text without any costs a microsecond,
and every pattern has bounded parts, so that any text takes time in proportion to its length.

It knows the forms of keys that say whose they are, private keys, passwords in addresses, and what stands after a
name such as "password". It does not know a secret that looks like a word, nor one that was cut, encoded or spelled out.
"""

import base64
import binascii
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Final, TypeAlias, cast


@dataclass(frozen=True, slots=True)
class Form:
    """What secrets of one kind look like.

    Attributes:
        needs: In lower case; without any of these in it, a text holds none.
        pattern: Its first group is the secret, or all of it if it has none.
        test: The secret must also satisfy it.
    """

    name: str
    needs: tuple[str, ...]
    pattern: str
    test: Callable[[str], bool] | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """A secret of the form `name`, from `start` to before `stop`."""

    start: int
    stop: int
    name: str


_PLACEHOLDER = re.compile(
    r"argon2|sha-?\d|md5|pbkdf2|oauth2|utf-?8|base64|example|your[_-]|placeholder|changeme|x{4}|\*{3}|\.{3}|^(?:https?:|\.{0,2}/)",
    re.IGNORECASE,
)


def is_made_up(word: str) -> bool:
    """Whether letters and digits are mixed in it as in keys, and not as in words, names of algorithms or placeholders."""
    return (
        any(c.isdigit() for c in word)
        and any(c.isalpha() for c in word)
        and len(set(word)) >= 6
        and not _PLACEHOLDER.search(word)
    )


def _is_login(word: str) -> bool:
    """Whether it is base64 of "name:password"."""
    try:
        return b":" in base64.b64decode(word + "=" * (-len(word) % 4), validate=True)
    except binascii.Error:
        return False


_ALONE = r"(?<![A-Za-z0-9])"
_NAME = (
    r"(?:passw(?:or)?d|passwort|passphrase|pwd|secret|api[ _-]?key|access[ _-]?key|private[ _-]?key|auth[ _-]?token"
    r"|access[ _-]?token|token|credentials?|pin[ _-]code)(?:[_-]\w{1,16})?"
)
_NAMED = (
    *("passw", "passphrase", "pwd", "secret", "token", "credential", "pin code", "pin_code"),
    *(f"{kind}{between}key" for kind in ("api", "access", "private") for between in ("", " ", "_", "-")),
)
_VALUE = r"[^\s\"'\\,;{}()<>\[\]]"

FORMS: Final[tuple[Form, ...]] = (
    Form("aws key", ("akia", "asia"), _ALONE + r"(?:AKIA|ASIA)[A-Z0-9]{16}(?![A-Za-z0-9])"),
    Form(
        "github token",
        ("ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_"),
        _ALONE + r"(?:gh[pousr]_[A-Za-z0-9]{20,255}|github_pat_\w{20,255})",
    ),
    Form("gitlab token", ("glpat-", "glrt-", "gldt-", "glcbt-"), _ALONE + r"gl(?:pat|rt|dt|cbt)-[\w-]{16,64}"),
    Form("slack token", ("xox", "xapp-"), _ALONE + r"(?:xox[abeoprs]|xapp)-[\w-]{11,250}"),
    Form("slack hook", ("hooks.slack.com",), r"hooks\.slack\.com/services/([\w/]{20,100})"),
    Form(
        "stripe key",
        ("k_live_", "k_test_", "whsec_"),
        _ALONE + r"(?:[rs]k_(?:live|test)_\w{10,200}|whsec_\w{16,100})",
    ),
    Form("model key", ("sk-",), _ALONE + r"sk-[\w-]{20,250}", is_made_up),
    Form("google key", ("aiza", "ya29."), _ALONE + r"(?:AIza[\w-]{30,60}|ya29\.[\w-]{20,400})"),
    Form("hugging face token", ("hf_",), _ALONE + r"hf_[A-Za-z0-9]{20,64}", is_made_up),
    Form("npm token", ("npm_",), _ALONE + r"npm_[A-Za-z0-9]{30,60}"),
    Form("pypi token", ("pypi-",), _ALONE + r"pypi-[\w-]{16,255}", is_made_up),
    Form("sendgrid key", ("sg.",), _ALONE + r"SG\.[\w-]{16,32}\.[\w-]{16,64}"),
    Form("digitalocean token", ("do_v1_", "dop_v1", "doo_v1"), _ALONE + r"do[opr]_v1_[a-f0-9]{32,64}"),
    Form("shopify token", ("shpat_", "shpss_", "shpca_"), _ALONE + r"shp(?:at|ss|ca)_[a-fA-F0-9]{24,40}"),
    Form("telegram token", (":aa",), _ALONE + r"\d{8,10}:AA[\w-]{32,34}"),
    Form("azure key", ("accountkey=",), r"AccountKey=([A-Za-z0-9+/]{40,120}={0,2})"),
    Form("json web token", ("eyj",), r"(?<![\w-])eyJ[\w-]{13,4000}\.eyJ[\w-]{4,8000}\.[\w-]{8,4000}"),
    Form(
        "private key",
        ("private key",),
        r"-----BEGIN [A-Z0-9 ]{0,30}PRIVATE KEY(?: BLOCK)?-----"
        r"(?:[^-]{0,10000}-----END [A-Z0-9 ]{0,30}PRIVATE KEY(?: BLOCK)?-----"
        r"|(?:\s{0,4}[\w+/=\\]{16,200}){0,200}(?:\s{0,2}[\w+/]{0,90}={1,2})?)",
    ),
    Form("password", ("://",), r"(?<=://)[^\s:@/\"']{0,64}:([^\s@/\"']{3,128})@[\w\[.-]"),
    Form("bearer token", ("bearer ",), r"(?i:bearer) {1,3}([\w.~+/-]{16,500}=*)", is_made_up),
    Form("login", ("basic ",), r"(?i:basic) {1,3}([A-Za-z0-9+/]{16,400}={0,2})", _is_login),
    Form(
        "password",
        _NAMED,
        rf"(?i)(?<![A-Za-z0-9]){_NAME}\\?[\"']?(?: (?:is|was) | ?(?:=>?|:) ?)\\?[\"']?({_VALUE}{{8,200}}+)(?![(\[])",
        is_made_up,
    ),
    Form(
        "password",
        _NAMED,
        rf"(?i)(?<![A-Za-z0-9]){_NAME} ({_VALUE}{{10,200}}+)(?![(\[])",
        is_made_up,
    ),
    # A field in JSON that stands in a text, as inputs of a task do in a prompt: secret whatever it looks like.
    Form(
        "password",
        _NAMED,
        r"(?i)[\"'](?:password|passwd|pwd|passphrase|client_secret|private_key|secret_access_key)\\?[\"']\s{0,3}:\s{0,3}\\?[\"']"
        r"([^\"'\\]{4,200})",
    ),
)
"""In the order in which they are tried; a form that says whose the key is comes before one that doesn't."""

_NAMES: Final = ("passw", "passphrase", "pwd", "secret", "credential", "pin code", "pin_code", "://")
# It begins with a plain word, so that looking for it is quick.
_KEY: Final = re.compile(r"key(?:(?<=apikey)|(?<=api.key)|(?<=accesskey)|(?<=access.key)|(?<=privatekey)|(?<=private.key))")
_RUN: Final = re.compile(r"[A-Za-z0-9_+/.-]{16}")
"""What says whose it is has so many characters in a row at least."""
_SHORTEST: Final = 8
_COUNTS: Final = 'tokens":'
_ALWAYS: Final = frozenset({"password", "passwd", "pwd", "passphrase", "client_secret", "private_key", "secret_access_key"})
"""Names of fields whose value is secret whatever it looks like."""
_Json: TypeAlias = "dict[str, _Json] | list[_Json] | str | int | float | bool | None"


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)


@cache
def _needles() -> tuple[str, ...]:
    return tuple(dict.fromkeys(need for form in FORMS if form.needs is not _NAMED for need in form.needs))


def find_secrets(text: str) -> list[Found]:
    """Where secrets stand, in order and without overlap. Time in proportion to the length of `text`."""
    if len(text) < _SHORTEST or not _may_hold_any(text):
        return []
    lowered = text.lower()
    found: list[Found] = []
    for form in FORMS:
        if not any(need in lowered for need in form.needs):
            continue
        for match in _compiled(form.pattern).finditer(text):
            group = 1 if match.re.groups else 0
            if form.test is None or form.test(match[group]):
                found.append(Found(*match.span(group), form.name))
    return _apart(found)


def without_secrets(text: str) -> str:
    """`text` with a mark in the place of each secret."""
    pieces: list[str] = []
    end = 0
    for secret in find_secrets(text):
        pieces += [text[end : secret.start], mark(secret.name)]
        end = secret.stop
    return "".join([*pieces, text[end:]]) if pieces else text


def mark(name: str) -> str:
    """What stands in the place of a secret."""
    return f"[secret: {name}]"


def json_without_secrets(text: str) -> str:
    """JSON text with a mark in the place of each secret in its strings, and of each value whose name says it is one.

    A few microseconds for a text of an event without a secret; it then comes back as it was.
    """
    if not _may_hold_any(text):
        return text
    read = cast(_Json, json.loads(text))
    clean = _cleaned(read)
    return text if clean == read else json.dumps(clean, ensure_ascii=False, separators=(",", ":"))


def _may_hold_any(text: str) -> bool:
    """Whether it is worth looking closer: something is named like a secret, or there is a long run with a known beginning."""
    lowered = text.lower()
    for name in _NAMES:
        if name in lowered:
            return True
    # Every model call tells how many tokens it took, and every task how many it may take.
    if lowered.count("token") != lowered.count(_COUNTS) or _KEY.search(lowered):
        return True
    return _RUN.search(text) is not None and any(need in lowered for need in _needles())


def _cleaned(value: _Json) -> _Json:
    if isinstance(value, str):
        return without_secrets(value)
    if isinstance(value, list):
        return [_cleaned(each) for each in value]
    if isinstance(value, dict):
        return {without_secrets(name): _field(name, each) for name, each in value.items()}
    return value


def _field(name: str, value: _Json) -> _Json:
    if not isinstance(value, str):
        return _cleaned(value)
    plain = name.lower().replace("-", "_")
    if len(value) >= 4 and (
        plain in _ALWAYS or (len(value) >= 8 and is_made_up(value) and _compiled(_SECRET_NAME).search(plain))
    ):
        return mark("password")
    return without_secrets(value)


_SECRET_NAME = r"(?:^|_)(?:password|passwd|secret|api_?key|access_?key|(?:auth|access|refresh|bearer)_?token)$"


def _apart(found: list[Found]) -> list[Found]:
    """Those that overlap as one, under the name of the first."""
    merged: list[Found] = []
    for each in sorted(found, key=lambda one: (one.start, -one.stop)):
        if merged and each.start < merged[-1].stop:
            last = merged[-1]
            merged[-1] = Found(last.start, max(last.stop, each.stop), last.name)
        else:
            merged.append(each)
    return merged
