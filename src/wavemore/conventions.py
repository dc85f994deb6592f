"""What scikit-learn expects of an estimator, without scikit-learn."""

import inspect
from typing import Any, Self

from wavemore.errors import UsageError

__all__ = ["Estimator"]


class Estimator:
    """Its parameters are the arguments of its constructor, which keeps them unchanged under their names."""

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """The constructor's arguments by name."""
        return {name: getattr(self, name) for name in self._parameters()}

    def set_params(self, **params: Any) -> Self:
        """Change constructor arguments; takes effect at the next `fit`. Raises `UsageError` for an unknown name."""
        known = self._parameters()
        for name, value in params.items():
            if name not in known:
                raise UsageError(
                    f"{type(self).__name__} has no parameter {name!r}; its parameters are {', '.join(known)}"
                )
            setattr(self, name, value)
        return self

    def __repr__(self) -> str:
        given = {name: value for name, value in self.get_params().items() if value is not None}
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in given.items())})"

    @classmethod
    def _parameters(cls) -> list[str]:
        return [name for name in inspect.signature(cls.__init__).parameters if name != "self"]
