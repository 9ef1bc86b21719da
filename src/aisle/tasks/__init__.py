"""The AI tasks, one folder each. Strangers to one another."""
