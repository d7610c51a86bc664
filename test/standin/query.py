"""Lists: filters, fields, order and limit as the REST API and frappe.client take them."""

import json
import re

import doctypes
from documents import fold
from errors import FrappeError, uncaught

DEFAULT_LIMIT = 20


def load(value, empty):
    """Filters and fields arrive as JSON text or, in a JSON body, as they are."""
    if value is None or value == "":
        return empty
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError as error:
        raise uncaught("JSONDecodeError", str(error))


def rows_of(site, doctype, filters):
    """All documents that match, or all rows of a child table."""
    conditions = parse_filters(site, doctype, filters)
    return [document for document in candidates(site, doctype, conditions)
            if all(matches(document.get(field), operator, value) for field, operator, value in conditions)]


def candidates(site, doctype, conditions):
    """An equality on an indexed field or on the name makes a list of a large table cheap."""
    parents = doctypes.parents_of(doctype)
    if parents:
        return [row for parent, table in parents for document in site.table(parent).values() for row in document[table]]
    for field, operator, value in conditions:
        if operator == "=" and field == "name":
            found = site.get(doctype, value)
            return [] if found is None else [found]
        if operator == "=" and field in site.indexed(doctype):
            return site.where(doctype, field, value)
    return list(site.table(doctype).values())


def parse_filters(site, doctype, filters):
    """Both forms, {"field": value or [operator, value]} and [[field, operator, value]], as a list of triples."""
    filters = load(filters, [])
    if isinstance(filters, str):
        filters = {"name": filters}
    triples = []
    if isinstance(filters, dict):
        for field, value in filters.items():
            triples.append((field, *value) if isinstance(value, list) else (field, "=", value))
    else:
        for entry in filters:
            entry = list(entry.items())[0] if isinstance(entry, dict) else entry
            triples.append(tuple(entry[-3:]) if len(entry) > 2 else (entry[0], "=", entry[1]))
    return [(known_field(site, doctype, field), str(operator).lower(), value) for field, operator, value in triples]


def known_field(site, doctype, field):
    name = re.sub(r"^(?:`tab[^`]*`\.)?`?(\w+)`?$", r"\1", field)
    if name in doctypes.fields(doctype) or name in doctypes.STANDARD or name in site.custom_fields.get(doctype, {}):
        return name
    raise FrappeError("DataError", "Field not permitted in query: %s" % field)


def matches(value, operator, wanted):
    test = OPERATORS.get(operator)
    if test is None:
        raise FrappeError("ValidationError", "Operator must be one of %s" % ", ".join(OPERATORS))
    return test(value, wanted)


def comparable(value):
    """MariaDB compares text without case, numbers and texts of numbers as numbers, null as the empty text."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return float(value)
    if isinstance(value, (int, float)):
        return float(value)
    text = str(value)
    try:
        return float(text)
    except ValueError:
        return fold(text)


def equal(value, wanted):
    one, other = comparable(value), comparable(wanted)
    if one == "" and isinstance(other, float):
        one = 0.0
    return one == other


def ordered(test):
    def compare(value, wanted):
        one, other = comparable(value), comparable(wanted)
        if type(one) is not type(other):
            one, other = str(value or ""), str(wanted)
        return test(one, other)
    return compare


def like(value, wanted):
    pattern = "".join({"%": ".*", "_": "."}.get(letter, re.escape(letter)) for letter in fold(str(wanted)))
    return re.fullmatch(pattern, fold(str(value if value is not None else "")), re.S) is not None


def is_in(value, wanted):
    values = wanted.split(",") if isinstance(wanted, str) else wanted
    return any(equal(value, one) for one in values)


OPERATORS = {
    "=": equal, "!=": lambda value, wanted: not equal(value, wanted), "in": is_in,
    "not in": lambda value, wanted: not is_in(value, wanted), "like": like,
    "not like": lambda value, wanted: not like(value, wanted),
    "is": lambda value, wanted: (value not in (None, "")) == (wanted == "set"),
    ">": ordered(lambda one, other: one > other), "<": ordered(lambda one, other: one < other),
    ">=": ordered(lambda one, other: one >= other), "<=": ordered(lambda one, other: one <= other),
    "between": lambda value, wanted: OPERATORS[">="](value, wanted[0]) and OPERATORS["<="](value, wanted[1]),
}


def select(site, doctype, arguments):
    """A whole list call: filter, sort, cut, pick the fields."""
    if doctypes.is_single(doctype):
        raise FrappeError("ProgrammingError", "('DocType', '%s')" % doctype, messages=[])
    fields = load(arguments.get("fields") or arguments.get("fieldname"), ["name"])
    fields = [fields] if isinstance(fields, str) else fields
    picked = [pick_rule(site, doctype, field) for field in fields]
    rows = rows_of(site, doctype, arguments.get("filters"))
    rows = sort(site, doctype, rows, arguments)
    rows = cut(rows, arguments)
    return [pick(row, picked) for row in rows]


def pick_rule(site, doctype, field):
    """(column, key in the answer); "*" stands for every column."""
    if field.strip() == "*":
        return "*", "*"
    column, _, alias = field.strip().partition(" as ")
    column = known_field(site, doctype, column.strip())
    return column, alias.strip() or column


def pick(row, picked):
    result = {}
    for column, key in picked:
        if column == "*":
            result.update({name: value for name, value in row.items() if not isinstance(value, list)})
            result.pop("doctype", None)
        else:
            result[key] = row.get(column)
    return result


def sort(site, doctype, rows, arguments):
    """Without order_by a filtered list comes by name, an unfiltered one as it was inserted."""
    order = arguments.get("order_by")
    if not order:
        if load(arguments.get("filters"), []):
            return sorted(rows, key=lambda row: fold(row["name"]))
        return rows
    for part in reversed(order.split(",")):
        words = part.split()
        field = known_field(site, doctype, words[0])
        rows = sorted(rows, key=lambda row: sort_key(row.get(field)), reverse=words[-1].lower() == "desc")
    return rows


def sort_key(value):
    if value is None:
        return (0, 0.0, "")
    if isinstance(value, (int, float)):
        return (1, float(value), "")
    return (2, 0.0, fold(str(value)))


def cut(rows, arguments):
    start = int(arguments.get("limit_start") or 0)
    limit = arguments.get("limit_page_length", arguments.get("limit"))
    limit = DEFAULT_LIMIT if limit in (None, "") else int(limit)
    return rows[start:start + limit] if limit else rows[start:]
