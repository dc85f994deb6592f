"""One network trained by several processes, on one machine or more. Needs PyTorch, but for `place` and `meeting`."""
