"""A Django database backend with its own PostgreSQL in the data folder; Django loads `base`."""
