"""The practice model: a program that follows rules and speaks a provider's protocol, for machines without a model."""
