"""Which column of a source feeds which field: a mapping checked, and resolved against a header."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from datahub.errors import InvalidError
from datahub.mapping.names import Names, Target, fold, locale_tag, split_brackets, split_locale

NO_MAPPED_COLUMN, AMBIGUOUS_COLUMN = "no_mapped_column", "ambiguous_column"
CUSTOM_FIELD, ATTRIBUTE = "CF_", "attribute-"
SHOWN_COLUMNS, SHOWN_LENGTH = 5, 40

_Place = tuple[str, str | None]  # a field, and a locale or None
_ExtraPlace = tuple[str, str, str | None]  # CUSTOM_FIELD or ATTRIBUTE, a code, and a locale or None


@dataclass(frozen=True)
class Binding:
    """`column` is an index of the header. A value without a locale is one in the main locale."""

    column: int
    field: str
    locale: str | None


@dataclass(frozen=True)
class Extra:
    """A column that needs no mapping; `code` is the id of its custom field or attribute."""

    column: int
    code: str
    locale: str | None


@dataclass(frozen=True)
class Missing:
    """`source` is the name of the column that was looked for."""

    field: str
    locale: str | None
    source: str


@dataclass(frozen=True)
class Second:
    """A column that fits a field too, but less well than the one that feeds it."""

    name: str
    field: str
    used: str


@dataclass(frozen=True)
class Fault:
    """What forbids the use of a header, in words for a person. `shown` goes on with what stands in the file, which may
    be no header at all."""

    code: str
    message: str
    shown: str = ""


@dataclass(frozen=True)
class Matched:
    """No field is bound twice in one locale. `unused` names columns, also those of `seconds`; those without a name are
    passed over."""

    bindings: tuple[Binding, ...]
    custom_fields: tuple[Extra, ...]
    attributes: tuple[Extra, ...]
    unused: tuple[str, ...]
    seconds: tuple[Second, ...]
    missing_required: tuple[Missing, ...]
    missing_optional: tuple[Missing, ...]
    faults: tuple[Fault, ...]


NO_MATCH = Matched((), (), (), (), (), (), (), ())


@dataclass(frozen=True)
class _Claim:
    """The columns that fit best what was sought. One is as it should be."""

    sought: str
    columns: list[int]

    @property
    def is_clear(self) -> bool:
        return len(self.columns) == 1


def check(
    mapping: Sequence[Mapping[str, str]], targets: Iterable[Target], locales: Collection[str]
) -> dict[str, list[str]]:
    """What is wrong with a mapping, by path such as `mapping.0.field`; empty if nothing is. `locales` are those that
    texts are kept in."""
    return _read(mapping, Names(targets), locales)[1]


def match(header: Sequence[str], targets: Iterable[Target], mapping: Sequence[Mapping[str, str]] | None) -> Matched:
    """Without a mapping, columns are matched to fields by name. A header that cannot be used has `faults`.

    Raises InvalidError for a mapping that `check` finds wrong."""
    names = Names(targets)
    claims = _claims_by_name(header, names) if mapping is None else _claims_by_mapping(header, names, mapping)
    claimed = {column for claim in claims.values() for column in claim.columns}
    extras = _claim_extras(header, names, claimed)
    every = [*claims.values(), *extras.values()]
    used = {claim.columns[0] for claim in every if claim.is_clear}
    bindings = [Binding(claim.columns[0], *place) for place, claim in claims.items() if claim.is_clear]
    required, optional = _missing(claims, names)
    return Matched(
        bindings=tuple(sorted(bindings, key=lambda binding: binding.column)),
        custom_fields=_extras(extras, CUSTOM_FIELD),
        attributes=_extras(extras, ATTRIBUTE),
        unused=tuple(name for column, name in enumerate(header) if column not in used and name.strip()),
        seconds=tuple(_seconds(header, names, claims, used)) if mapping is None else (),
        missing_required=required,
        missing_optional=optional,
        faults=_faults(header, every, found_any=bool(claimed), by_name=mapping is None),
    )


def _read(
    mapping: Sequence[Mapping[str, str]], names: Names, locales: Collection[str] | None = None
) -> tuple[dict[_Place, str], dict[str, list[str]]]:
    """The source of each field, and the faults. Without `locales` every locale will do."""
    sources: dict[_Place, str] = {}
    faults: dict[str, list[str]] = {}
    if not mapping:
        faults["mapping"] = ["Map at least one field, or leave the mapping out to match columns by name."]
    for number, entry in enumerate(mapping):
        source = entry.get("source", "").strip()
        place = _place(entry.get("field", "").strip(), names)
        if isinstance(place, str):
            faults[f"mapping.{number}.field"] = [place]
        elif place in sources:
            faults[f"mapping.{number}.field"] = [f"{_written(*place)} is mapped twice."]
        elif locales is not None and place[1] and place[1] not in locales:
            known = ", ".join(locales)
            faults[f"mapping.{number}.field"] = [f"{place[1]} is not among the locales of the settings: {known}."]
        else:
            sources[place] = source
        if not source:
            faults[f"mapping.{number}.source"] = ["Give the column that the field takes its values from."]
    return sources, faults


def _place(field: str, names: Names) -> _Place | str:
    """The field and locale that are meant, or what is wrong."""
    if not field:
        return "Choose the field that takes the values of the column."
    if field in names.by_key:
        return field, None
    base, text = split_brackets(field)
    if text and base in names.by_key:
        if not names.by_key[base].localisable:
            return f"{base} has no locales: leave out [{text}]."
        tag = locale_tag(text)
        return (base, tag) if tag else f"{text} is not a language tag such as fr-FR."
    if field.startswith((CUSTOM_FIELD, ATTRIBUTE)):
        return (
            "Custom fields and attributes are taken from the header by themselves: remove this entry, and name the "
            f"column {CUSTOM_FIELD}… or {ATTRIBUTE}… in the file."
        )
    return "There is no such field."


def _claims_by_name(header: Sequence[str], names: Names) -> dict[_Place, _Claim]:
    """A column that is named exactly like the key goes before one named like the label, and that before the others.
    Required fields without a column claim none."""
    ranked: dict[_Place, list[tuple[int, int]]] = {}
    for column, name in enumerate(header):
        if found := names.find(name):
            ranked.setdefault((found.target.key, found.locale), []).append((found.rank, column))
    claims = {}
    for place, fits in ranked.items():
        best = min(rank for rank, _ in fits)
        claims[place] = _Claim(_written(*place), [column for rank, column in fits if rank == best])
    found_keys = {key for key, _ in claims}
    bare = (target for target in names.by_key.values() if target.is_lacking(found_keys))
    return claims | {(target.key, None): _Claim(target.label, []) for target in bare}


def _seconds(header: Sequence[str], names: Names, claims: Mapping[_Place, _Claim], used: set[int]) -> Iterator[Second]:
    for column, name in enumerate(header):
        found = names.find(name) if column not in used else None
        claim = claims.get((found.target.key, found.locale)) if found else None
        if found and claim and claim.is_clear:
            yield Second(name, _written(found.target.key, found.locale), header[claim.columns[0]])


def _claims_by_mapping(
    header: Sequence[str], names: Names, mapping: Sequence[Mapping[str, str]]
) -> dict[_Place, _Claim]:
    sources, faults = _read(mapping, names)
    if faults:
        raise InvalidError(f"The mapping has faults in: {', '.join(sorted(faults))}.", faults)
    written: dict[str, list[int]] = {}
    folded: dict[str, list[int]] = {}
    for column, name in enumerate(header):
        if name.strip():
            written.setdefault(name.strip(), []).append(column)
            folded.setdefault(fold(name), []).append(column)
    return {
        place: _Claim(source, written.get(source) or folded.get(fold(source), [])) for place, source in sources.items()
    }


def _claim_extras(header: Sequence[str], names: Names, claimed: set[int]) -> dict[_ExtraPlace, _Claim]:
    """Columns named like a field are left to it: the type of an attribute may stand under `attribute-type`."""
    claims: dict[_ExtraPlace, _Claim] = {}
    for column, name in enumerate(header):
        if column in claimed or names.find(name):
            continue
        base, locale = split_locale(name)
        for prefix in (CUSTOM_FIELD, ATTRIBUTE):
            code = base[len(prefix) :].strip()
            if code and base.casefold().startswith(prefix.casefold()):
                sought = _written(f"{prefix}{code}", locale)
                claims.setdefault((prefix, code, locale), _Claim(sought, [])).columns.append(column)
    return claims


def _extras(claims: Mapping[_ExtraPlace, _Claim], kind: str) -> tuple[Extra, ...]:
    return tuple(
        Extra(claim.columns[0], code, locale)
        for (prefix, code, locale), claim in claims.items()
        if prefix == kind and claim.is_clear
    )


def _missing(claims: Mapping[_Place, _Claim], names: Names) -> tuple[tuple[Missing, ...], tuple[Missing, ...]]:
    """One locale of a required field is enough."""
    fed = {field for (field, _), claim in claims.items() if claim.columns}
    required: list[Missing] = []
    optional: list[Missing] = []
    for (field, locale), claim in claims.items():
        if not claim.columns:
            kind = required if names.by_key[field].required and field not in fed else optional
            kind.append(Missing(field, locale, claim.sought))
    return tuple(required), tuple(optional)


def _faults(header: Sequence[str], claims: Iterable[_Claim], *, found_any: bool, by_name: bool) -> tuple[Fault, ...]:
    faults = []
    if not found_any:
        first = ", ".join(_shown(name) for name in header[:SHOWN_COLUMNS]) or "none"
        problem = "None of the mapped columns is in the file."
        if by_name:
            problem = "No column of the file is named like a field: map the columns in the job."
        faults.append(Fault(NO_MAPPED_COLUMN, problem, f" Its first columns are: {first}."))
    for claim in claims:
        if len(claim.columns) > 1:
            fits = " and ".join(_shown(header[column]) for column in claim.columns[:SHOWN_COLUMNS])
            message = (
                f"Several columns fit {_shown(claim.sought)}: {fits}. Keep one, or map the right one by its exact name."
            )
            faults.append(Fault(AMBIGUOUS_COLUMN, message))
    return tuple(faults)


def _written(field: str, locale: str | None) -> str:
    return f"{field}[{locale}]" if locale else field


def _shown(name: str) -> str:
    return repr(name if len(name) <= SHOWN_LENGTH else f"{name[:SHOWN_LENGTH]}…")
