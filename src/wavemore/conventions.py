"""What scikit-learn expects of an estimator, without scikit-learn: nothing of it is imported before it asks. And how
large values are shown in short.

Its estimators are handed arrays of numbers, most of the time; these take strings, and say so in their tags. What is
here works with scikit-learn 1.5, whose tags are a dictionary, and with 1.6 and later, whose tags are objects.
"""

import inspect
import sys
from collections.abc import Mapping
from dataclasses import fields
from typing import Any, Literal, Self

from wavemore.errors import NotFittedError, UsageError

__all__ = ["Estimator", "brief", "cut", "in_short"]

_MOST = 8  # items of a list that are shown one by one
_LONGEST = 60  # characters of a value
_WHOLE = 400  # characters of all of them

_TABLE = "settings"
"""A parameter that is a mapping, and whose entries can be got and set as settings__KEY."""


class Estimator:
    """Its parameters are the arguments of its constructor, which keeps them unchanged under their names.

    Each entry of `settings` is a parameter too, settings__KEY, so that a search goes over settings by their names:
    `GridSearchCV(model, {"settings__model.order": [3, 4, 5]})`.
    """

    _estimator_type: Literal["density_estimator", "classifier"] = "density_estimator"
    """As scikit-learn names it."""

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """The constructor's arguments by name; with `deep` the entries of `settings` too, as settings__KEY."""
        params = {name: getattr(self, name) for name in self._parameters()}
        table = params.get(_TABLE)
        if deep and isinstance(table, Mapping):
            params |= {f"{_TABLE}__{key}": value for key, value in table.items()}
        return params

    def set_params(self, **params: Any) -> Self:
        """Change constructor arguments, and entries of `settings` as settings__KEY; takes effect at the next `fit`.
        Raises `UsageError` for an unknown name."""
        known = self._parameters()
        entries = {}
        for name, value in params.items():
            table, _, key = name.partition("__")
            if key and table == _TABLE and table in known:
                entries[key] = value
            elif name in known:
                setattr(self, name, value)
            else:
                also = f", and settings by name, such as {_TABLE}__train.steps" if _TABLE in known else ""
                raise UsageError(
                    f"{type(self).__name__} has no parameter {name!r}; its parameters are {', '.join(known)}{also}"
                )
        if entries:
            setattr(self, _TABLE, {**(getattr(self, _TABLE) or {}), **entries})
        return self

    def __repr__(self) -> str:
        defaults = {name: one.default for name, one in inspect.signature(type(self)).parameters.items()}
        given = {name: value for name, value in self.get_params(deep=False).items() if value is not defaults[name]}
        return f"{type(self).__name__}({', '.join(f'{name}={in_short(value)}' for name, value in given.items())})"

    _fitted: str
    """An attribute that `fit` sets."""

    def __sklearn_is_fitted__(self) -> bool:
        """Whether there is something to ask, for scikit-learn's `check_is_fitted`."""
        return self._fitted in self.__dict__

    def __sklearn_tags__(self) -> Any:
        """scikit-learn's `Tags`, from 1.6 on: strings in one dimension, of which some may be missing."""
        from sklearn.utils import ClassifierTags, InputTags, Tags, TargetTags

        classifies = self._estimator_type == "classifier"
        return Tags(
            estimator_type=self._estimator_type,
            target_tags=TargetTags(required=classifies),
            classifier_tags=ClassifierTags() if classifies else None,
            input_tags=InputTags(one_d_array=True, two_d_array=False, string=True, allow_nan=True),
            no_validation=True,
        )

    def _more_tags(self) -> dict[str, Any]:
        """The same for scikit-learn before 1.6."""
        return {
            "X_types": ["string"],
            "allow_nan": True,
            "no_validation": True,
            "requires_y": self._estimator_type == "classifier",
        }

    def _not_fitted(self, what: str) -> NotFittedError:
        """The error of an estimator that is asked too early; where scikit-learn is there, one of its own kind too."""
        sentence = f"this {type(self).__name__} is not fitted yet; {what}"
        theirs = getattr(sys.modules.get("sklearn.exceptions"), "NotFittedError", None)
        if theirs is None:
            return NotFittedError(sentence)
        return type("NotFittedError", (NotFittedError, theirs), {"__module__": NotFittedError.__module__})(sentence)

    @classmethod
    def _parameters(cls) -> list[str]:
        return [name for name in inspect.signature(cls.__init__).parameters if name != "self"]


def brief(self: Any) -> str:
    """The `__repr__` of a dataclass or a named tuple that may hold much: its fields, of long ones how much there is."""
    names = getattr(self, "_fields", None) or [field.name for field in fields(self) if field.repr]
    shown = ", ".join(f"{name}={in_short(getattr(self, name))}" for name in names)
    return f"{type(self).__name__}({cut(shown, _WHOLE)})"


def in_short(value: object) -> str:
    """A value in about 60 characters: of an array its type and shape, of a long list how many items it has."""
    kind, shape = getattr(value, "dtype", None), getattr(value, "shape", ())
    if kind is not None and shape:
        return f"<{kind} {shape}>"
    if isinstance(value, str | bytes):
        return repr(value) if len(value) <= _LONGEST else f"{value[:_LONGEST]!r}..."
    if isinstance(value, list | tuple | set | frozenset | Mapping) and len(value) > _MOST:
        return f"<{type(value).__name__} of {len(value):,}>"
    return cut(repr(value), _LONGEST)


def cut(text: str, most: int) -> str:
    """The text, or its beginning and three dots."""
    return text if len(text) <= most else f"{text[:most]}..."
