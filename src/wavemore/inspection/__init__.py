"""Looking into a model, or through its training: what its levels hold, how gradients reach them, and what wants
attention.

inspecting.py   runs a model over strings of a list; nodes.py single nodes: neighbours of a chunk, the tree of a string
findings.py     sentences about what is wrong, and the thresholds for them
report.py       the numbers as text and as records
pictures.py     the pictures, of numbers; tree_picture.py those of single nodes; page.py all in one HTML file
course.py       the same of the steps that training wrote down; beside it its findings, report and pictures
"""

from wavemore.inspection.course import Course, inspect_history
from wavemore.inspection.inspecting import Inspection, inspect

__all__ = ["Course", "Inspection", "inspect", "inspect_history"]
