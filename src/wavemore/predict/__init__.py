"""What says which character follows, in NumPy: chunks, the engine, n-grams, and several networks as one."""
