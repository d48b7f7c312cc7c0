"""The four-stage pipeline Q0-Q3, the link table and the global link timer."""
