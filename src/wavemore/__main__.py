"""`python -m wavemore` is the command `wavemore`."""

from wavemore.cli import main

main()
