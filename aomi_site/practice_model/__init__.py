"""The practice model: a program that speaks the provider's protocol and follows rules, for machines without a model."""
