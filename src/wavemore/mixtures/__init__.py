"""Predictors made of others: a network and an n-gram model, all labels of a network, a model and favourite strings."""
