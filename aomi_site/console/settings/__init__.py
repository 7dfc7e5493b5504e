"""The console's page of settings."""
