"""From traces to admitted memories."""
