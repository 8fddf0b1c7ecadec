"""Which attributes the products of a category bear: those linked to it and to its ancestors."""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlalchemy import Connection, select

from datahub.models.catalogue import Attribute, Category, CategoryAttribute


@dataclass(frozen=True)
class Borne:
    """By external id of an attribute, whether it is required: at the product, and at its variants."""

    by_product: dict[str, bool] = field(default_factory=dict)
    by_variant: dict[str, bool] = field(default_factory=dict)


class AttributeLinks:
    """As they are at its making, or when a category is first asked for: for one run, which holds the catalogue."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        query = select(Category.external_id, Category.id, Category.parent_id).where(Category.deleted_at.is_(None))
        found = connection.execute(query).all()
        self._ids = {external_id: category_id for external_id, category_id, _ in found}
        self._parents = {category_id: parent_id for _, category_id, parent_id in found}
        self._known: dict[str, Borne] = {}

    def of(self, category: str) -> Borne | None:
        """None for a category that does not exist. Of links to the same attribute the nearest counts."""
        if category not in self._ids:
            return None
        if category not in self._known:
            self._known[category] = self._borne(category)
        return self._known[category]

    def _borne(self, category: str) -> Borne:
        lineage: list[int] = []
        current = self._ids.get(category)
        while current is not None and current not in lineage:
            lineage.append(current)
            current = self._parents.get(current)
        links = select(
            CategoryAttribute.category_id,
            Attribute.external_id,
            CategoryAttribute.enabled,
            CategoryAttribute.required,
            CategoryAttribute.for_variant,
        ).join(Attribute, Attribute.id == CategoryAttribute.attribute_id)
        links = links.where(CategoryAttribute.category_id.in_(lineage), Attribute.deleted_at.is_(None))
        nearest = sorted(self._connection.execute(links), key=lambda link: -lineage.index(link.category_id))
        by_attribute = {link.external_id: link for link in nearest}
        borne = Borne()
        for external_id, link in by_attribute.items():
            if link.enabled:
                level = borne.by_variant if link.for_variant else borne.by_product
                level[external_id] = link.required
        return borne
