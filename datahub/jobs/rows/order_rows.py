"""The rows of one order: what they say of it together, and each of one of its lines."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from datahub.entities.base import Field
from datahub.entities.extras import CUSTOM_FIELD, CUSTOM_FIELDS, Definition
from datahub.entities.order import LINE_EXTERNAL_ID, LINE_ID, LINE_STATUS, OF_LINE, OF_ORDER, STATUS
from datahub.jobs.rows.acts import Doing, RowFaultError, Said
from datahub.jobs.rows.cells import as_cell
from datahub.jobs.rows.faults import NOT_EDITABLE, REQUIRED, fault_of, no_value_in
from datahub.models.change import CREATED, DELETED, UPDATED
from datahub.orders.editing import Stage
from datahub.orders.life import ALIASES

OF_AN_ORDER, OF_A_LINE = "ORDER", "ORDER_LINE"
CONFLICT, SUPERSEDED, UNCHANGED = "conflicting_rows", "superseded", "unchanged"
STRENGTH = {UNCHANGED: 0, UPDATED: 1, DELETED: 2, CREATED: 3}
LINE_KEYS = {item.key for item in (*OF_LINE, LINE_STATUS)}

LINE_PART = "orderLines"

# As an order keeps them, by external id: the type and the value, one text or a list of texts.
Customs = dict[str, dict[str, Any]]


class Given(NamedTuple):
    """A value, and the number of the last row that gives it."""

    value: Any
    number: int


class OrderRows:
    """`of_order` has what the rows say of the order, by key of a field, and `custom` its custom fields; `done` is what
    became of each row, the strongest of what it did. Raises RowFaultError where two rows contradict each other."""

    def __init__(self, rows: Sequence[Said], doing: Doing) -> None:
        self.said, self.doing = rows, doing
        self.values = [_with_stored_words(row.values) for row in rows]
        self.of_order = self._agreed({item.key: [values.get(item.key) for values in self.values] for item in OF_ORDER})
        customs = [self.customs(number, OF_AN_ORDER) for number in range(len(rows))]
        self.custom = self._agreed(
            {external_id: [own.get(external_id) for own in customs] for external_id in self.owned(OF_AN_ORDER)},
            CUSTOM_FIELD,
        )
        self.done = [UNCHANGED for _ in rows]

    def owned(self, owner: str) -> dict[str, Definition]:
        """The custom fields of an order, or of a line, by external id."""
        return {item.external_id: item for item in self.doing.definitions if owner in item.owners}

    def customs(self, number: int, owner: str) -> Customs:
        """Those that a row gives."""
        given = self.values[number].get(CUSTOM_FIELDS.key, {})
        return {
            external_id: {"type": definition.type, "value": self._plain(given[external_id])}
            for external_id, definition in self.owned(owner).items()
            if external_id in given
        }

    def of_lines(self) -> list[int]:
        """Those that say something of a line. Raises RowFaultError for one that does not say of which."""
        found = []
        for number, values in enumerate(self.values):
            if LINE_KEYS.isdisjoint(values) and not self.customs(number, OF_A_LINE):
                continue
            if LINE_EXTERNAL_ID.key not in values and LINE_ID.key not in values:
                raise self.fault(number, REQUIRED, LINE_EXTERNAL_ID)
            found.append(number)
        return found

    def last_of(self, named: Iterable[tuple[Any, int]]) -> dict[Any, int]:
        """Of the rows that name the same line, the last counts, and the others are warned of."""
        found: dict[Any, int] = {}
        for line, number in named:
            if line in found:
                by = self.said[number]
                message = f"Line {by.line} of {by.file} names the same key again and counts instead."
                self.doing.warn(found[line], SUPERSEDED, "", message)
            found[line] = number
        return found

    def note(self, number: int, word: str) -> None:
        self.done[number] = max(self.done[number], word, key=STRENGTH.__getitem__)

    def fault(self, number: int, code: str, item: Field, message: str = "") -> RowFaultError:
        value = self.values[number].get(item.key)
        shown = [] if value is None else [as_cell(value)]
        told = message or fault_of(code, item, shown)["message"]
        return RowFaultError(code, item.key, "".join(shown), told, number=number)

    def not_editable(self, number: int, item: Field, old: Any, why: str) -> RowFaultError:
        was, new = "empty" if old is None else as_cell(old), as_cell(self.values[number][item.key])
        return self.fault(number, NOT_EDITABLE, item, f"{why} It is {was}, and the row says {new}.")

    def custom_fault(self, number: int, code: str, external_id: str, message: str) -> RowFaultError:
        value = self.values[number].get(CUSTOM_FIELDS.key, {}).get(external_id)
        shown = "" if value is None else as_cell(value)
        return RowFaultError(code, f"{CUSTOM_FIELD}{external_id}", shown, message, number=number)

    def custom_not_editable(self, number: int, external_id: str, old: Any, why: str) -> RowFaultError:
        new = self.values[number][CUSTOM_FIELDS.key][external_id]
        was = "empty" if old is None else as_cell(old["value"])
        message = f"{why} It is {was}, and the row says {as_cell(self._plain(new))}."
        return self.custom_fault(number, NOT_EDITABLE, external_id, message)

    def joined(self, held: Customs, given: Customs, owner: str, stage: Stage) -> Customs:
        """What the stored ones come to. Full mode takes away those that no row gives, where they may still change."""
        is_kept = not self.doing.clears or stage < Stage.ACCEPTED
        return {name: it for name, it in held.items() if is_kept or name not in self.owned(owner)} | given

    def require(self, number: int, owner: str, held: Customs) -> None:
        """Raises RowFaultError for a required custom field that would be empty."""
        for external_id, definition in self.owned(owner).items():
            if definition.required and external_id not in held:
                raise self.custom_fault(number, REQUIRED, external_id, no_value_in(definition.key))

    def _agreed(self, said: dict[str, list[Any]], prefix: str = "") -> dict[str, Given]:
        agreed: dict[str, Given] = {}
        for key, values in said.items():
            for number, value in enumerate(values):
                if value is None:
                    continue
                if key in agreed and agreed[key].value != value:
                    first = self.said[agreed[key].number]
                    message = f"Line {first.line} of {first.file} says something else of the same order."
                    raise RowFaultError(CONFLICT, f"{prefix}{key}", _shown(value), message, number=number)
                agreed[key] = Given(value, number)
        return agreed

    def _plain(self, value: Any) -> Any:
        """An order keeps one text: that of the main locale if it is there."""
        if isinstance(value, dict):
            return value.get(self.doing.main_locale) or next(iter(value.values()))
        return value


def _shown(value: Any) -> str:
    return as_cell(value["value"] if isinstance(value, dict) else value)


def _with_stored_words(values: Any) -> dict[str, Any]:
    words = {key: ALIASES.get(values[key], values[key]) for key in (STATUS.key, LINE_STATUS.key) if values.get(key)}
    return {**values, **words}


def plain(held: Customs) -> dict[str, Any]:
    """The values alone, as the change ledger tells them."""
    return {external_id: it["value"] for external_id, it in held.items()}
