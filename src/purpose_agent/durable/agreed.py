"""What engine and workers have to agree on, though they are different processes on different machines.

In:  jobs and results.
Out: the same as JSON text, without secrets; DBOS's names for them; an error that names the extra where it is missing.

Nothing is pickled: what is in the database can be read by anyone, and reading it runs no code.
"""

from importlib.util import find_spec
from typing import Final

from purpose_agent.core.codec import from_json, to_json
from purpose_agent.core.errors import MissingExtra, UsageError
from purpose_agent.core.secrets import json_without_secrets
from purpose_agent.runtime.jobs import Job, JobResult

APPLICATION: Final = "purpose_agent"
VERSION: Final = "purpose_agent-1"
"""Of how a job is written, not of the package. DBOS gives a worker only jobs of its own version."""
DBOS_SCHEMA: Final = "purpose_agent_dbos"
"""DBOS's tables are not in its usual schema: a program of the user's may keep its own there."""
WORKFLOW: Final = "purpose_agent_job"
QUEUE: Final = "purpose_agent"
POLLING_SECONDS: Final = 0.25
AT_ONCE: Final = 4
"""Jobs that a worker does at a time, unless it says otherwise."""
MOST_ATTEMPTS: Final = 100
"""A job that so many workers have died of is not given to another one."""
OVER: Final = frozenset({"finished", "gave_up"})
"""A job that ended so is over, and its result is given again; any other is taken up again when it is submitted again."""


def job_to_text(job: Job) -> str:
    """A job as JSON.

    Raises:
        UsageError: It holds a secret, which is not kept in a database, so that the worker would be given a mark instead.
    """
    whole = to_json(Job, job)
    if json_without_secrets(whole) != whole:
        raise UsageError(
            f"The job {job.id} for {job.kind} {job.name!r} holds a key or a password. It would lie in the queue, and secrets are not"
            " kept. Let a tool on the worker read it from its environment, or do the work in this process, without an engine."
        )
    return whole


def job_from_text(text: str) -> Job:
    """The inverse of `job_to_text`."""
    return from_json(Job, text)


def result_to_text(result: JobResult) -> str:
    """A result as JSON, with a mark in the place of each secret."""
    return json_without_secrets(to_json(JobResult, result))


def result_from_text(text: str) -> JobResult:
    """The inverse of `result_to_text`."""
    return from_json(JobResult, text)


def is_over(result: JobResult) -> bool:
    """There is nothing to go on with."""
    return result.status in OVER


def attempt_id(job_id: str, attempt: int) -> str:
    """The id that DBOS has for a job: its own, and for the times that it was taken up again a number behind it."""
    return job_id if attempt == 1 else f"{job_id}#{attempt}"


def need_extra() -> None:
    """Find out whether the extra is there.

    Raises:
        MissingExtra: It is not.
    """
    for package in ("psycopg", "dbos"):
        if find_spec(package) is None:
            raise MissingExtra(
                f"Runs on several machines need {package!r}, which is not installed: pip install 'purpose-agent[dbos]'"
            )


def checked_address(url: str) -> str:
    """`url`, if it can be an address of a PostgreSQL database.

    Raises:
        UsageError: It can't.
    """
    scheme, _, rest = url.partition("://")
    if scheme not in ("postgresql", "postgres") or not rest:
        raise UsageError(
            f"{without_password(url)!r} is no address of a PostgreSQL database. One looks like "
            "'postgresql://user:password@host:5432/name'; an engine is 'dbos:' and such an address."
        )
    # SQLAlchemy, which DBOS speaks through, knows the long form only.
    return f"postgresql://{rest}"


def without_password(url: str) -> str:
    """An address as it may be shown."""
    scheme, mark, rest = url.partition("://")
    who, at, where = rest.rpartition("@")
    return f"{scheme}{mark}{who.partition(':')[0]}{at}{where}"
