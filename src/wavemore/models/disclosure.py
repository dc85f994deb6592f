"""What a model file gives away of the list that it was made from, in one sentence."""

from wavemore.models.modelfile import ModelFile

__all__ = ["disclosure"]


def disclosure(file: ModelFile) -> str:
    """What whoever has the file can find out about single strings of the list, beyond what samples and scores of the
    model tell, which grows with how much the network knows by heart."""
    found = []
    if file.recipe.model.counts:
        found.append("counted pieces of strings, from which strings of the list can be put together again")
    if file.fingerprints is not None:
        found.append("whether a string that somebody guesses was on the list")
    if not found:
        return "nothing of the list but what samples and scores tell"
    return f"{' and '.join(found)} (train with --private to keep none of it)"
