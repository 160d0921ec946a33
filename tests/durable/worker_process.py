"""A worker of the tests: `python -m tests.durable.worker_process URL FOLDER NAME OPTIONS`."""

import json
import sys
from pathlib import Path

from purpose_agent.durable.worker import Worker
from tests.durable.given import Steps

if __name__ == "__main__":
    url, folder, name, options = sys.argv[1:]
    Worker(url, Steps(Path(folder)).perform, name=name, **json.loads(options)).run()
