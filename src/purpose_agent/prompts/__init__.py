"""Every word the system says to a model: Markdown files, and the loader."""
