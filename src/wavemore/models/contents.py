"""What is in a model file, as one record for JSON: the same on the command line and from a server."""

from typing import Any

from wavemore.models.disclosure import disclosure
from wavemore.models.modelfile import ModelFile

__all__ = ["contents"]


def contents(file: ModelFile) -> dict[str, Any]:
    """Its shape, its vocabulary, where it comes from, and what it keeps of its list."""
    return {
        "parameters": file.parameter_count,
        "characters": file.vocabulary.characters,
        "ngram_weight": file.ngram_weight,
        "labels": None if file.labels is None else file.labels.to_dict(),
        "recipe": file.recipe.to_dict(),
        "provenance": dict(file.provenance),
        "gives_away": disclosure(file),
        "remembers": {
            "train_fingerprints": 0 if file.fingerprints is None else len(file.fingerprints.training),
            "held_out_fingerprints": 0 if file.fingerprints is None else len(file.fingerprints.aside),
            "held_out_scores": 0 if file.held_out_scores is None else len(file.held_out_scores),
        },
    }
