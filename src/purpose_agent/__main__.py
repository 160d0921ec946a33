"""`python -m purpose_agent` is `purpose-agent`."""

from purpose_agent.cli.main import app

if __name__ == "__main__":
    app(prog_name="purpose-agent")
