"""The benchmark: compares the product with the limit of the machine; `python -m bench`."""
