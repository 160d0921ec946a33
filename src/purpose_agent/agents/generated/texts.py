"""Shapes for requests and texts, and the shape for all else."""

from purpose_agent.agents.flows.graph import END, START
from purpose_agent.agents.generated.plan import AskNode, BranchPlan, Case, CountNode, EdgePlan, Graph, SayNode
from purpose_agent.agents.generated.shape import PLAIN, SENTENCE, SHORT, Shape, Slot, line, own
from purpose_agent.core.task import Check

_BILL = "I was charged twice for order 1042. Please give me my money back."
_DRAFT = "yeah so order 1042 was charged two times we look at it ok"
SUPPORT = Shape(
    "support",
    "sorts requests and answers them",
    (
        "support",
        "triage",
        "ticket",
        "customer",
        "helpdesk",
        "help desk",
        "complain",
        "refund",
        "questions",
        "faq",
        r"(?<!pull )(?<!merge )request",
    ),
    (
        Slot(
            "triager",
            "Say what the request is about.",
            ("triage", "sort", "classify", "category"),
            "Begin your reply with one of the words BILLING, TECHNICAL or OTHER. Then give the reason in one sentence.",
        ),
        Slot(
            "billing_agent",
            "Answer a request about money: charges, refunds, invoices. Name the order. Promise nothing that you can't see.",
            ("billing", "refund", "invoice", "charge", "payment"),
            work="gather",
        ),
        Slot(
            "technical_agent",
            "Answer a request about something that does not work: what to try first, in at most three steps.",
            ("error", "crash", "install", "broken", "technical"),
            work="gather",
        ),
        Slot("general_agent", "Answer the request politely, or say who can.", ("hours", "contact", "question"), work="gather"),
        Slot(
            "reviewer",
            "Give back the reply to the customer, made correct, polite and short. Only the reply itself.",
            ("review", "tone", "polite", "send"),
            work="deliver",
        ),
    ),
    Graph(
        (
            AskNode("triage", "triager", "category"),
            AskNode("billing", "billing_agent", "draft"),
            AskNode("technical", "technical_agent", "draft"),
            AskNode("general", "general_agent", "draft"),
            AskNode("review", "reviewer", "answer"),
        ),
        (
            *line(START, "triage"),
            EdgePlan(("billing",), "review"),
            EdgePlan(("technical",), "review"),
            EdgePlan(("general",), "review"),
            EdgePlan(("review",), END),
        ),
        (
            BranchPlan(
                "triage", "category", {"BILLING": "billing", "TECHNICAL": "technical", "OTHER": "general"}, otherwise="OTHER"
            ),
        ),
    ),
    (
        Case("triager knows a bill", _BILL, (Check.matches(r"\A\W*BILLING\b"),), "triager"),
        Case(
            "triager knows a defect",
            "The app crashes each time I open a picture.",
            (Check.matches(r"\A\W*TECHNICAL\b"),),
            "triager",
        ),
        Case(
            "billing names the order",
            _BILL,
            (Check.contains("1042"), *own(_BILL)),
            "billing_agent",
            {"category": "BILLING: charged twice."},
        ),
        Case(
            "technical is short",
            "The app crashes each time I open a picture.",
            (SENTENCE, SHORT, *own("The app crashes each time I open a picture.")),
            "technical_agent",
            {"category": "TECHNICAL"},
        ),
        Case(
            "general answers",
            "When are you open?",
            (SENTENCE, SHORT, *own("When are you open?")),
            "general_agent",
            {"category": "OTHER"},
        ),
        Case(
            "reviewer keeps the order",
            _BILL,
            (Check.contains("1042"), SHORT, *own(_BILL, _DRAFT)),
            "reviewer",
            {"category": "BILLING", "draft": _DRAFT},
        ),
        Case("the customer hears about the order", _BILL, (Check.contains("1042"), SHORT, *own(_BILL))),
    ),
    "general_agent",
)

REFUSED = "Not approved: the reviewer asked for changes each time. The run's state has the last draft and the last review."
_BRIEF = "The town library opens on Sundays from 10 to 16, beginning in May. Readers: families."
_RAW = "From may on the town library are open for familys on Sundays, 10 to 16."
CONTENT = Shape(
    "content",
    "writes, has it reviewed, and writes again",
    ("write", "writing", "blog", "article", "content", "newsletter", "post", "story", "copy", "edit", "publish", "essay"),
    (
        Slot(
            "writer",
            "Write the text that the input asks for, at most 120 words. If there is a review, do what it says.",
            ("write", "draft", "text", "blog"),
            work="gather",
        ),
        Slot(
            "reviewer",
            "Compare the draft with the input: is everything in it, and nothing made up?",
            ("review", "check", "criticise"),
            "Begin your reply with the word APPROVED or the word REVISE. Then say in one sentence what to change.",
            "compute",
        ),
        Slot(
            "editor",
            "Give back the draft with its language improved and its facts unchanged. Only the text itself.",
            ("edit", "polish", "improve", "publish"),
            work="deliver",
        ),
    ),
    Graph(
        (
            AskNode("write", "writer", "draft"),
            AskNode("review", "reviewer", "review"),
            CountNode("rounds"),
            AskNode("edit", "editor", "answer"),
            SayNode("refused", REFUSED),
        ),
        (*line(START, "write", "review", "rounds"), EdgePlan(("edit",), END), EdgePlan(("refused",), END)),
        (
            BranchPlan(
                "rounds", "review", {"APPROVED": "edit", "REVISE": "write"}, "REVISE", counter="rounds", most=2, ends="refused"
            ),
        ),
    ),
    (
        Case("writer has the facts", _BRIEF, (Check.contains("Sunday"), Check.contains("10"), *own(_BRIEF)), "writer"),
        Case(
            "reviewer gives a verdict",
            _BRIEF,
            (Check.matches(r"\A\W*(APPROVED|REVISE)\b"),),
            "reviewer",
            {"draft": "From May on, the town library is open for families on Sundays, 10 to 16."},
        ),
        Case(
            "editor keeps the facts",
            _BRIEF,
            (Check.contains("Sunday"), PLAIN, SHORT, *own(_BRIEF, _RAW)),
            "editor",
            {"draft": _RAW},
        ),
        Case("the text has the facts", _BRIEF, (Check.contains("Sunday"), PLAIN, SHORT, *own(_BRIEF))),
    ),
    "writer",
)

_ASK = "Name the three primary colours of light: red, green and which other one?"
GENERAL = Shape(
    "general",
    "does a task and looks at it again",
    (),
    (
        Slot("worker", "Do what the input asks for. Reply with the result.", ("do", "make", "answer"), work="gather"),
        Slot(
            "checker",
            "Give back the result, with mistakes corrected. Only the result itself.",
            ("check", "correct", "verify"),
            work="compute",
        ),
    ),
    Graph((AskNode("work", "worker", "result"), AskNode("check", "checker", "answer")), line(START, "work", "check", END)),
    (
        Case("worker does it", _ASK, (Check.matches(r"(?i)blue"),), "worker"),
        Case(
            "checker corrects what is wrong",
            _ASK,
            (Check.matches(r"(?is)\A(?!.*yellow).*blue"), SHORT),
            "checker",
            {"result": "The third one is yellow."},
        ),
        Case("the answer is right", _ASK, (Check.matches(r"(?i)blue"), SHORT)),
    ),
    "worker",
)
