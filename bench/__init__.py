"""The benchmark: the product beside the limit of what the machine allows; `python -m bench`."""
