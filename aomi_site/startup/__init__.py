"""The steps of `manage.py quickstart`: the port, the database, the model, the operator, the processes."""
