"""The distance of two strings by the textbook: the oracle of whatever tells near strings apart."""


def distance(a: str, b: str) -> int:
    """The fewest characters to put in, take out or change (Wagner and Fischer 1974)."""
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        before, row = row, [i]
        for j, y in enumerate(b, 1):
            row.append(min(before[j] + 1, row[-1] + 1, before[j - 1] + (x != y)))
    return row[-1]
