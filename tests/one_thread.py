"""Imported before NumPy: one thread for its products and for PyTorch, here and in the programs that tests start.

Tests run in two processes side by side, and a second thread gains nothing at these sizes. Tests that are about threads
set their number themselves.
"""

import os

for library in ("OMP", "OPENBLAS", "MKL"):
    os.environ.setdefault(f"{library}_NUM_THREADS", "1")
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # where tests use two threads, they wait without work
