"""The pieces of a written form: fixed text, and parts of a situation, changed.

In:  nothing.
Out: data that a rule's line keeps, and its words for people.

Not here: how a part is found and changed (`memory/forms.py`).
"""

from dataclasses import dataclass
from typing import Literal, TypeAlias

Sort: TypeAlias = Literal["word", "number", "name", "names", "chunk", "phrase", "quoted"]
Letters: TypeAlias = Literal["", "upper", "lower", "capitalised"]
Made: TypeAlias = Literal["", "month", "month name", "consonants", "reversed", "length"]

_SORTS: dict[Sort, str] = {
    "word": "word",
    "number": "number",
    "name": "capitalised word",
    "names": "name",
    "chunk": "text without spaces",
    "phrase": "phrase",
    "quoted": "quotation",
}
_LETTERS: dict[Letters, str] = {
    "": "",
    "upper": "in capitals",
    "lower": "in small letters",
    "capitalised": "with a capital",
}
_MADE: dict[Made, str] = {
    "": "",
    "month": "as the number of the month",
    "month name": "as the name of the month",
    "consonants": "without vowels",
    "reversed": "from its end to its beginning",
    "length": "as the number of its letters",
}


@dataclass(frozen=True, slots=True)
class Piece:
    """One piece of a form: `literal`, or a part of the situation where that is "".

    Attributes:
        sort: What is counted. A name is a run of capitalised words, a phrase what stands between two signs.
        beside: The word, label or sign that is counted from, in lower case: "shelf", "guest:", "#"; "" for the whole situation.
        nth: 1 for the first after it, −1 for the last before it. Of the whole situation: from its beginning or its end.
        from_last: It is counted from the last place where `beside` stands, not from the first.
        made: What is made of it before anything else.
        letters: How they are changed.
        keep: So many letters or figures of each word, from its end if negative; 0 for all.
        width: Figures are filled up with zeros to so many, others taken away; 0 leaves them as they are.
        joined: What stands between the words of a phrase.
    """

    literal: str = ""
    sort: Sort = "word"
    beside: str = ""
    nth: int = 1
    from_last: bool = False
    made: Made = ""
    letters: Letters = ""
    keep: int = 0
    width: int = 0
    joined: str = " "

    @property
    def text(self) -> str:
        """In words: `word after "for:" in capitals`, or the literal in quotes."""
        if self.literal:
            return f'"{self.literal}"'
        order = "" if abs(self.nth) == 1 else f"{abs(self.nth)}. "
        if self.beside:
            side = "after" if self.nth > 0 else "before"
            place = f'{order}{_SORTS[self.sort]} {side} {"the last " if self.from_last else ""}"{self.beside}"'
        else:
            place = f"{order or ('first ' if self.nth > 0 else 'last ')}{_SORTS[self.sort]}"
            place += " from the end" if self.nth < -1 else ""
        changes = [change for change in (_MADE[self.made], _LETTERS[self.letters]) if change]
        if self.keep:
            changes.append(f"{'first' if self.keep > 0 else 'last'} {abs(self.keep)} alone")
        if self.width:
            changes.append(f"filled up to {self.width} figures")
        if self.joined != " ":
            changes.append(f'joined by "{self.joined}"')
        return ", ".join([place, *changes])
