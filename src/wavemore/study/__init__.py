"""The study of the five claims that the notes make for flattening in steps: each one an experiment that can come out
either way, a file a claim.

    running.py      every run that the claims want, made once, kept, on all cores
    claims.py       what a claim is: a question, what was done, findings, tables, charts, and a verdict by a rule
    hierarchy.py  processing.py  flexibility.py  information.py  flow.py      the claims
    statistics.py   intervals over seeds and verdicts; probes.py linear probes and nearest chunks
    report.py       one page: HTML, Markdown and JSON; drawing.py its charts
"""

from wavemore.study.running import CLAIMS, study

__all__ = ["CLAIMS", "study"]
