"""What tokens cost at a provider, from the table of the package `genai-prices` (extra: prices).

In:  one of our prefixes, a model's name, how many tokens.
Out: US dollars; None where the price is unknown: no extra, no such provider in the table, no such model.

The table is the one that the installed package carries: nothing is fetched, so a price that changed since is the old one until the
package is upgraded. It holds list prices: no discounts, no taxes, no surcharge for long jobs or fast ones.
"""

from importlib.util import find_spec

from purpose_agent.core.model import Usage

TABLE = "genai_prices"
IN_TABLE = frozenset({"cerebras", "deepseek", "fireworks", "groq", "mistral", "openai", "openrouter", "together"})
"""Of our prefixes, those under which the table has a provider."""


def is_installed() -> bool:
    """The extra is there."""
    return find_spec(TABLE) is not None


def usd_of(provider: str, model: str, usage: Usage) -> float | None:
    """The list price of that many tokens, cached ones at their own price; None if it is unknown.

    Args:
        provider: Our prefix, such as "openai".
        model: As the server calls it, such as "gpt-4o-2024-08-06".
    """
    if provider not in IN_TABLE or not model or not is_installed():
        return None
    from genai_prices import Usage as Tokens
    from genai_prices import calc_price

    tokens = Tokens(
        input_tokens=usage.input_tokens,
        cache_read_tokens=min(usage.cached_tokens, usage.input_tokens),
        output_tokens=usage.output_tokens,
    )
    try:
        return float(calc_price(tokens, model, provider_id=provider).total_price)
    except LookupError:  # the table's word for a model that it doesn't have
        return None
