"""A Django database backend whose PostgreSQL lives in the data folder; `base` is what Django loads."""
