"""What a training run wrote down, and its figures."""
