"""An immutable, hashable mapping, so that a scenario can be a key and cannot be changed behind its back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TypeVar

Value = TypeVar("Value", covariant=True)


class FrozenMap(Mapping[str, Value]):
    """A mapping from names to hashable values that keeps its order and cannot change.

    Two are equal when they hold the same items, in any order; they compare equal to a dict, too.
    """

    __slots__ = ("_hash", "_items")

    def __init__(self, items: Mapping[str, Value] | None = None) -> None:
        self._items = dict(items or {})
        self._hash = hash(frozenset(self._items.items()))

    def __getitem__(self, name: str) -> Value:
        return self._items[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        if isinstance(other, FrozenMap):
            return self._items == other._items
        return super().__eq__(other)

    def __hash__(self) -> int:
        return self._hash

    def __reduce__(self) -> tuple[type[FrozenMap[Value]], tuple[dict[str, Value]]]:
        return (type(self), (self._items,))

    def __repr__(self) -> str:
        return repr(self._items)
