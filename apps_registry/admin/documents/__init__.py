"""The admin pages of documents."""
