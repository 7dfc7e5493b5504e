"""An App's page, in tabs: each has its own address, and its own form if it has fields."""
