"""What `manage.py quickstart` is made of: the port, the database, the model, the operator, the processes."""
