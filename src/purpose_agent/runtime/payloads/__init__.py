"""The kinds of events, by what they are about."""
