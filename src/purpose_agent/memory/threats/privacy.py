"""Privacy leak: secrets and personal data. Secrets are the table of `core/secrets.py`; what is here is about people.

Numbers that have a check digit must satisfy it. Names are not known: people are seen by the words around them.
"""

import re

from purpose_agent.memory.threats.rule import Form, Rule

HEALTH = re.compile(
    r"\b(?:anti\w{4,20}|medication|insulin|depression|cancer|hiv|diabetes|disorder|therapy|pregnan\w{1,6}|addiction|chemotherapy"
    r"|schizophrenia|positive)\b"
)


def has_check_digit(text: str) -> bool:
    """Whether the digits in `text` carry the check digit of a payment card (Luhn)."""
    digits = [int(digit) for digit in text if digit.isdigit()]
    doubled = [sum(divmod(2 * digit, 10)) for digit in digits[-2::-2]]
    return len(set(digits)) > 1 and (sum(doubled) + sum(digits[-1::-2])) % 10 == 0


def is_iban(text: str) -> bool:
    """Whether `text` is an account number whose remainder by 97 is 1 (ISO 13616)."""
    plain = re.sub(r"[^A-Z0-9]", "", text)
    if not 15 <= len(plain) <= 34:
        return False
    return int("".join(str(int(c, 36)) for c in plain[4:] + plain[:4])) % 97 == 1


SECRET = "secret"
RULES: tuple[Rule, ...] = (
    Rule(
        "national_number",
        "privacy_leak",
        "block",
        hits="Her SSN is 123-45-6789.",
        misses="The form asks for the social security number last.",
        forms=(
            Form(
                tuple(f"{digit}-" for digit in range(10)),
                r"(?<![\d-])(?!000|666|9\d\d)\d{3}-(?!00)\d{2}-(?!0000)\d{4}(?![\d-])",
            ),
            Form(("ssn", "social security"), r"\b(?:ssn|social security)\b[^\n]{0,20}?\d{3}-?\d{2}-?\d{4}\b"),
            Form(
                ("passport", "licence", "license", "national id", "tax id", "identity card"),
                r"\b(?:passport|driver'?s? licen[cs]e|national id|tax id|identity card)\b[^\n]{0,40}?\b[a-z]{0,2}\d{6,14}\b",
            ),
        ),
    ),
    Rule(
        "bank_account",
        "privacy_leak",
        "block",
        hits="Pay to DE44 5001 0517 5407 3249 31.",
        misses="Part number DE44 5001 0517 5407 3249 32 is out of stock.",
        forms=(
            Form((), r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?\b", test=is_iban, cased=True),
            Form(
                ("account", "iban", "konto"),
                r"\b(?:account|iban|konto)(?: number| no\.?)?\W{1,3}(?:is )?[a-z]{2}\d{2} ?\d{4}[\d ]{6,26}\b",
            ),
        ),
    ),
    Rule(
        "card_number",
        "privacy_leak",
        "block",
        hits="Charged to 4111 1111 1111 1111.",
        misses="The checksum is 4111111111111112.",
        forms=(
            Form((), r"(?<![\d.-])[2-6]\d{3}(?:[ -]?\d{4}){2}[ -]?\d{1,7}(?![\d.-]\d)", test=has_check_digit),
            # Somebody says that it is one: then the check digit may be wrong.
            Form(("card", "account"), r"\b(?:card|account)(?: number| no\.?)?\W{1,3}(?:is )?\d{4}(?:[ -]?\d{4}){2,3}\d{0,3}\b"),
        ),
    ),
    Rule(
        "phone_number",
        "privacy_leak",
        "block",
        hits="Call her at +1 (202) 555-0143.",
        misses="The offset is +02:00 in summer.",
        forms=(Form(("+",), r"(?<![\w.])\+\d{1,3}[ -]?\(?\d{2,4}\)?(?:[ -]?\d{2,4}){2,4}\b"),),
    ),
    Rule(
        "person_and_address",
        "privacy_leak",
        "block",
        hits="Anna Holm's email is anna@mail.example.",
        misses="Bills are sent from billing@shop.example.",
        forms=(
            Form(("mail", "Mail"), r"\b[Ee]-?mail(?: address)?(?: is)? \S{1,64}@\S{1,120} (?:belongs|is)\b", cased=True),
            Form(
                ("@",),
                r"\b[A-Z][a-z]{1,20} [A-Z][a-z]{1,20}(?:'s)? (?:e-?mail|address) (?:address )?(?:is|:) \S{1,64}@",
                cased=True,
            ),
            Form(("lives at", "live at"), r"\blives? at \d{1,5} [^\n]{2,40}?\b(?:street|road|avenue|lane|st\.|rd\.|ave\.)"),
        ),
    ),
    Rule(
        "health_of_a_person",
        "privacy_leak",
        "block",
        hits="Jane Roe takes antidepressants.",
        misses="Project Athena suffers from slow builds.",
        forms=(
            Form(
                (" take", " is ", " suffers", " was ", " tested", " has "),
                r"\b[A-Z][a-z]{1,20} [A-Z][a-z]{1,20} (?:takes|is on|suffers from|was diagnosed with|is diagnosed"
                r" with|tested positive"
                r"|is being treated|has been treated)\b[^\n]{0,60}",
                test=lambda text: HEALTH.search(text) is not None,
                cased=True,
            ),
        ),
    ),
    Rule(
        "mail_address",
        "privacy_leak",
        "note",
        hits="Write to help@shop.example.",
        misses="Decorate it with @staticmethod.",
        forms=(Form(("@",), r"(?<![\w.+-])[\w.+-]{1,64}@[\w-]{1,60}(?:\.[\w-]{1,60}){1,4}\b"),),
    ),
)
