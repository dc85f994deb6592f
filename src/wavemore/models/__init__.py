"""One model, one file: what it holds, and what runs which kind."""
