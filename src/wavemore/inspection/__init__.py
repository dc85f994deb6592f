"""Looking into a model, or through its training: what its levels hold, how gradients reach them, and what wants
attention. An inspection is one look or several: of a model one, through its training up to ten.

of_model.py     runs a model over strings of a list; onestep.py one training step of it; nodes.py single nodes:
                neighbours of a chunk, the tree of a string
of_history.py   reads the looks that training wrote down
inspection.py   what was seen; findings.py sentences about what is wrong, and the thresholds for them
report.py       the numbers as text and as records
pictures.py     which pictures there are, and what to look for; drawing.py draws those of numbers, node_drawing.py
                those of single nodes; page.py all in one HTML file
"""

from wavemore.inspection.inspection import Inspection
from wavemore.inspection.of_history import inspect_history
from wavemore.inspection.of_model import inspect

__all__ = ["Inspection", "inspect", "inspect_history"]
