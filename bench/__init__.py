"""The benchmark: the product compared with the limit of the machine; `python -m bench`."""
