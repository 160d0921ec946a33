"""`purpose-agent models`: the local models this package can fetch."""

from typing import Annotated

import typer

from purpose_agent.cli.progress import bytes_progress
from purpose_agent.cli.render import say, size, table

app = typer.Typer(help="Local models: list, fetch, check.")

Name = Annotated[str, typer.Argument(help="A name or alias of the catalogue; the default model if none is given.")]


@app.callback(invoke_without_command=True)
def models(context: typer.Context) -> None:
    """Local models: list, fetch, check. Without a command: the list."""
    if context.invoked_subcommand is None:
        show_catalogue()


@app.command("list")
def show_catalogue() -> None:
    """Show the catalogue: size, licence, and what is here."""
    from purpose_agent.models.catalogue import DEFAULT_MODEL, cache_dir, list_models

    rows = [
        (
            entry.weights.name,
            size(entry.weights.bytes),
            entry.weights.licence,
            "here" if entry.pulled else "–",
            ", ".join(entry.weights.aliases) + (" (the default)" if entry.weights.name == DEFAULT_MODEL else ""),
        )
        for entry in list_models()
    ]
    table(("model", "size", "licence", "pulled", "also called"), rows)
    say(f"Files are kept in {cache_dir()}. Use one with --model local:NAME.")


@app.command()
def pull(name: Name = "") -> None:
    """Fetch a model and check its sha256. An interrupted pull goes on where it stopped."""
    from purpose_agent.models.catalogue import DEFAULT_MODEL, get_weights, is_pulled, path_of
    from purpose_agent.models.catalogue import pull as fetch

    weights = get_weights(name or DEFAULT_MODEL)
    if is_pulled(weights):
        say(f"{weights.name} is here already: {path_of(weights)}")
        return
    say(f"{weights.name}: {size(weights.bytes)}, licence {weights.licence}")
    with bytes_progress() as report:
        path = fetch(weights, progress=report)
    say(f"{weights.name} is here, its sha256 is the pinned one: {path}")


@app.command()
def verify(name: Name = "") -> None:
    """Hash a model's file anew. A file that is not the pinned one is discarded."""
    from purpose_agent.models.catalogue import DEFAULT_MODEL, get_weights
    from purpose_agent.models.catalogue import verify as check

    weights = get_weights(name or DEFAULT_MODEL)
    with bytes_progress() as report:
        path = check(weights, progress=report)
    say(f"{weights.name}: sha256 {weights.sha256} holds for {path}")
