"""Filters and orders of SCIM (RFC 7644, 3.4.2) as SQL.

Attributes are looked up in the schema, which names the columns; every value that a client sent is
a parameter (threat 31). `match()` of scim2-models has the same semantics, and a test compares.
"""

from base64 import b64encode
from collections.abc import Callable
from datetime import UTC, datetime
from enum import Enum
from inspect import isclass
from typing import Any
from typing import cast as cast_type

from scim2_models import InvalidFilterException, ScimObject
from scim2_models.path import (
    AttributeBinding,
    AttrPath,
    CompareOperator,
    Comparison,
    FilterVisitor,
    LogicalExpr,
    LogicalOperator,
    Not,
    Present,
    ScimFilter,
    ValuePath,
    coerce_value,
)
from sqlalchemy import (
    ColumnElement,
    FromClause,
    String,
    Text,
    and_,
    case,
    cast,
    column,
    exists,
    false,
    func,
    literal,
    not_,
    null,
    or_,
    select,
    true,
)

from policies.tables.people import Group, Membership, Provisioned, User
from workers.admin.scim.schema import ScimUser

LONGEST_FILTER = 10_000
DEEPEST_FILTER = 20

Element = Callable[[str], ColumnElement[Any]]
"""A sub-attribute of one value of a multi-valued attribute, as SQL, by its SCIM name."""


def check_filter(text: str) -> None:
    """Check a filter before it is parsed. Raises InvalidFilterException."""
    depth = deepest = 0
    for one in text:
        depth += (one in "([") - (one in ")]")
        deepest = max(deepest, depth)
    if len(text) > LONGEST_FILTER or deepest > DEEPEST_FILTER:
        raise InvalidFilterException(
            detail=f"filter: longer than {LONGEST_FILTER} characters, or nested deeper than "
            f"{DEEPEST_FILTER}"
        )


class Matching(FilterVisitor[ColumnElement[bool]]):
    """Which rows of `provisioned`, of one resource type, a filter selects.

    The filter was checked against the type when it was made, so that operators and values fit.
    """

    def __init__(self, bound: ScimFilter[Any], inside: tuple[AttrPath, Element] | None = None):
        self.bound = bound
        self.inside = inside
        """In brackets: the attribute before them, and one value of it."""

    def visit_comparison(self, node: Comparison) -> ColumnElement[bool]:
        binding = self._bind(node.attr_path, comparison=True)
        if binding is None:  # an attribute of the other resource type (RFC 7644, 3.4.2.1)
            return false()
        if self.inside is not None:
            return _compare(self.inside[1](_sub_name(binding)), binding, node)
        if not binding.is_multivalued:
            return _compare(_value(binding), binding, node)
        elements, element = _elements(binding)
        one = _compare(element(_sub_name(binding)), binding, node)
        found = _exists(elements, one)
        if node.op is CompareOperator.ne:  # of all values
            found = ~_exists(elements, not_(one))
        if node.value is not None:
            return found
        some = _exists(elements, true())
        return and_(found, some) if node.op is CompareOperator.ne else or_(found, not_(some))

    def visit_present(self, node: Present) -> ColumnElement[bool]:
        binding = self._bind(node.attr_path)
        if binding is None:
            return false()
        if self.inside is not None:
            return _present(self.inside[1](_sub_name(binding)))
        if not binding.is_multivalued:
            return _present(_value(binding))
        elements, element = _elements(binding)
        if binding.sub_field_name is None:
            return _exists(elements, true())
        return _exists(elements, _present(element(_sub_name(binding))))

    def visit_not(self, node: Not) -> ColumnElement[bool]:
        return not_(self.visit(node.expr))

    def visit_logical_expr(self, node: LogicalExpr) -> ColumnElement[bool]:
        terms = [self.visit(term) for term in node.terms]
        return and_(*terms) if node.op is LogicalOperator.and_ else or_(*terms)

    def visit_value_path(self, node: ValuePath) -> ColumnElement[bool]:
        binding = self._bind(node.attr_path)
        if binding is None:
            return false()
        if not _is_complex(binding.field_type):
            raise InvalidFilterException(detail=f"filter: {binding.urn} has plain values")
        elements, element = _elements(binding)
        within = Matching(self.bound, (node.attr_path, element))
        return _exists(elements, within.visit(node.val_filter))

    def _bind(self, path: AttrPath, *, comparison: bool = False) -> AttributeBinding | None:
        """Return the attribute that a path names; inside `emails[...]` it begins at `emails`."""
        if self.inside is not None:
            if path.sub_attr is not None or path.uri is not None:
                return None
            path = AttrPath(self.inside[0].attr, path.attr, self.inside[0].uri)
        elif comparison:
            return self.bound.resolve_comparison(path, strict=False)
        return self.bound.resolve(path, strict=False)


def sorted_by(binding: AttributeBinding | None, *, descending: bool) -> list[Any]:
    """Return the order of a list; equal values are ordered by id."""
    if binding is None:
        return [Provisioned.principal_id]
    if not binding.is_multivalued:
        key = _value(binding)
    elif binding.field_name in ("members", "groups") or binding.sub_field_name is None:
        key = null()
    else:
        values = _array(binding)
        element = (
            func.jsonb_array_elements(values)
            .table_valued("value", with_ordinality="place")
            .render_derived()
        )
        one = element.c.value.op("->>", return_type=Text)
        key = (
            select(one(_sub_name(binding)))
            .select_from(element)
            .order_by((one("primary") == "true").desc().nulls_last(), element.c.place)
            .limit(1)
            .scalar_subquery()
        )
    if isinstance(key.type, String):
        key = (key if binding.case_exact else func.lower(key, type_=Text)).collate("C")
    order = key.desc().nulls_first() if descending else key.asc().nulls_last()
    return [order, Provisioned.principal_id]


# -- where an attribute is ---------------------------------------------------------------------


def _value(binding: AttributeBinding) -> ColumnElement[Any]:
    """A single value of a resource: a column of its own, or a text in what was sent."""
    columns: dict[tuple[str, str | None], Any] = {
        ("id", None): cast(Provisioned.principal_id, Text),
        ("external_id", None): Provisioned.external_id,
        ("user_name", None): Provisioned.user_name,
        ("meta", "resource_type"): Provisioned.kind,
        ("meta", "created"): Provisioned.created_at,
        ("meta", "last_modified"): Provisioned.modified_at,
        ("meta", "version"): func.concat('W/"', Provisioned.version, '"', type_=Text),
        ("meta", "location"): null(),
        ("meta", None): Provisioned.kind,
        ("password", None): null(),
    }
    place = (binding.field_name, binding.sub_field_name)
    if not _of_extension(binding) and place in columns:
        column: ColumnElement[Any] = columns[place]
        return column
    found = _holder(binding)[_name(binding)]
    if binding.sub_field_name is not None:
        found = found[_sub_name(binding)]
    text: ColumnElement[str] = found.astext
    return text


def _elements(binding: AttributeBinding) -> tuple[FromClause, Element]:
    """The values of a multi-valued attribute, as rows beside the resource's."""
    if binding.field_name == "members" and not _of_extension(binding):
        return _edges(Membership.group_id, Membership.member_id)
    if binding.field_name == "groups" and not _of_extension(binding):
        return _edges(Membership.member_id, Membership.group_id)
    if not _is_complex(binding.field_type):
        texts = func.jsonb_array_elements_text(_array(binding)).table_valued(column("value", Text))
        return texts, lambda _: texts.c.value
    rows = func.jsonb_array_elements(_array(binding)).table_valued("value")
    return rows, lambda name: rows.c.value.op("->>", return_type=Text)(name)


def _edges(here: Any, there: Any) -> tuple[FromClause, Element]:
    """The memberships of a group, or of a member. Their names are ours, not what was sent."""
    rows = (
        select(
            cast(there, Text).label("value"),
            func.coalesce(User.name, Group.name).label("display"),
            case((User.id.is_not(None), "User"), else_="Group").label("type"),
        )
        .select_from(Membership)
        .outerjoin(User, User.id == there)
        .outerjoin(Group, Group.id == there)
        .where(
            here == Provisioned.principal_id,
            or_(User.id.is_not(None), Group.id.is_not(None)),  # a link is an edge to an account
        )
        .correlate(Provisioned)
        .lateral()
    )
    kind = literal("direct") if there is Membership.group_id else rows.c.type
    columns = {"value": rows.c.value, "display": rows.c.display, "type": kind}
    return rows, lambda name: columns.get(name, null())


def _array(binding: AttributeBinding) -> Any:
    return _holder(binding)[_name(binding)]


def _holder(binding: AttributeBinding) -> Any:
    if _of_extension(binding):
        return Provisioned.resource[_schema(binding)]
    return Provisioned.resource


def _of_extension(binding: AttributeBinding) -> bool:
    return binding.model in ScimUser.get_extension_models().values()


def _name(binding: AttributeBinding) -> str:
    return _names(binding)[0]


def _sub_name(binding: AttributeBinding) -> str:
    return _names(binding)[1] if binding.sub_field_name is not None else "value"


def _names(binding: AttributeBinding) -> list[str]:
    """Return the names as the schema spells them."""
    return binding.urn.removeprefix(f"{_schema(binding)}:").split(".")


def _schema(binding: AttributeBinding) -> str:
    return str(cast_type(type[ScimObject], binding.model).__schema__)


# -- comparisons ----------------------------------------------------------------------------


def _compare(
    actual: ColumnElement[Any], binding: AttributeBinding, node: Comparison
) -> ColumnElement[bool]:
    if _is_complex(binding.target_type):
        raise InvalidFilterException(detail=f"filter: {binding.urn} has several values")
    expected = coerce_value(binding, node.value, node.op)
    if expected is None:
        missing = {CompareOperator.eq: actual.is_(None), CompareOperator.ne: actual.is_not(None)}
        return missing.get(node.op, false())
    if isinstance(expected, datetime):
        return _ordered(actual, expected if expected.tzinfo else expected.replace(tzinfo=UTC), node)
    if not isinstance(actual.type, String):  # part of a moment, or an attribute without values
        return false()
    given = _as_text(expected)
    if binding.case_exact or isinstance(expected, bytes | bool):
        return _ordered(actual, literal(given, Text), node)
    return _ordered(func.lower(actual, type_=Text), func.lower(literal(given, Text)), node)


def _ordered(actual: ColumnElement[Any], expected: Any, node: Comparison) -> ColumnElement[bool]:
    """Two-valued: what is missing is unequal to everything, and never before or after it."""
    if isinstance(actual.type, String) and node.op in _ORDERS:
        actual, expected = actual.collate("C"), expected.collate("C")
    match node.op:
        case CompareOperator.ne:
            return actual.is_distinct_from(expected)
        case CompareOperator.eq:
            held = actual == expected
        case CompareOperator.co:
            held = func.strpos(actual, expected) > 0
        case CompareOperator.sw:
            held = func.starts_with(actual, expected)
        case CompareOperator.ew:
            held = func.right(actual, func.length(expected)) == expected
        case op:
            held = _ORDERS[op](actual, expected)
    return func.coalesce(held, false())


_ORDERS: dict[CompareOperator, Callable[[Any, Any], ColumnElement[bool]]] = {
    CompareOperator.gt: lambda one, other: one > other,
    CompareOperator.ge: lambda one, other: one >= other,
    CompareOperator.lt: lambda one, other: one < other,
    CompareOperator.le: lambda one, other: one <= other,
}


def _as_text(expected: Any) -> str:
    if isinstance(expected, bool):
        return "true" if expected else "false"
    if isinstance(expected, bytes):
        return b64encode(expected).decode()
    text = str(expected.value if isinstance(expected, Enum) else expected)
    if "\0" in text or any("\ud800" <= one <= "\udfff" for one in text):
        raise InvalidFilterException(detail="filter: a value has a character that is not text")
    return text


def _present(actual: ColumnElement[Any]) -> ColumnElement[bool]:
    if not isinstance(actual.type, String):
        return actual.is_not(None)
    return func.coalesce(~actual.in_(["", "{}", "[]"]), false())


def _exists(elements: FromClause, condition: ColumnElement[bool]) -> ColumnElement[bool]:
    return exists(select(literal(1)).select_from(elements).where(condition).correlate(Provisioned))


def _is_complex(kind: Any) -> bool:
    return isclass(kind) and hasattr(kind, "model_fields")
