"""Rows are the truth: the database, its named SQL, and the stores of items, events, vectors and tenants."""
