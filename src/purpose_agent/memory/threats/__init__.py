"""The five threats to a memory: how a text is read, what a rule is, and the rules of each threat."""
