"""What a model file gives away of the list that it was made from, in one sentence."""

from wavemore.models.modelfile import ModelFile

__all__ = ["disclosure"]


def disclosure(file: ModelFile) -> str:
    """What whoever has the file can find out about single strings of the list, beyond what samples and scores of the
    model tell, which grows with how much the network knows by heart."""
    found = []
    if file.recipe.model.counts:
        found.append("pieces that its strings can be put together from")
    if file.fingerprints is not None:
        found.append("whether a guessed string was on it")
    labels = "" if file.labels is None else "; and its labels, with how many strings have each"
    if not found:
        return f"nothing but what samples and scores tell{labels}"
    return f"{' and '.join(found)} (not with --private){labels}"
