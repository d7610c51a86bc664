"""The document store of one site: tables, indexes, naming counters, and a transaction that can be undone."""

import datetime
import functools
import random
import unicodedata

import doctypes
from errors import note

NAME_LETTERS = "0123456789abcdefghijklmnopqrstuv"


@functools.lru_cache(maxsize=200_000)
def fold(name):
    """Names compare as in MariaDB's utf8mb4_unicode_ci: without case, accents and trailing blanks."""
    text = name if name.isascii() else "".join(
        letter for letter in unicodedata.normalize("NFKD", name) if not unicodedata.combining(letter))
    return text.casefold().rstrip(" ")


class Site:
    """One Frappe site. Stored documents are never changed in place: an update stores a new dict."""

    def __init__(self, name, today=None, seed=0):
        self.name = name
        self.today_is = today
        self.random = random.Random(seed)
        self.tables = {}
        self.singles = {}
        self.indexes = {}
        self.series = {}
        self.custom_fields = {}
        self.users = {}
        self.ended_sessions = set()
        self.undo = None            # the steps back while a transaction is open
        self.created = []           # (doctype, name) of the open transaction's new documents
        self.inserted = []          # those of them that were asked for, not derived
        self.removed = []           # those that went in the open transaction, with what they took along
        self.gone = []              # those that went for good and are not counted yet
        self.notes = []             # _server_messages beside the answer
        self.actor = "Administrator"
        self.tree = 0
        self.in_flight = {}         # what requests now running would collide with, for --races
        self.job_seconds = 0.05     # how long a background job takes
        self.schedule = lambda seconds, work: work()
        self.tell = lambda secret: secret       # notes that it was made

    # -- time and names

    def now(self):
        moment = datetime.datetime.now()
        if self.today_is:
            moment = datetime.datetime.combine(self.today_is, moment.time())
        return moment.isoformat(" ", "microseconds")

    def today(self):
        return (self.today_is or datetime.date.today()).isoformat()

    def hash_name(self):
        return "".join(self.random.choices(NAME_LETTERS, k=10))

    def next_in_series(self, prefix, digits=5):
        """A rolled back transaction gives its number back, as Frappe's series table does."""
        number = self.series.get(prefix, 0) + 1
        self.remember(self.series, prefix)
        self.series[prefix] = number
        return "%s%0*d" % (prefix, digits, number)

    def next_in_tree(self):
        self.tree += 2
        return self.tree - 1

    # -- transactions

    def begin(self):
        self.undo, self.created, self.inserted, self.removed, self.notes = [], [], [], [], []

    def commit(self):
        self.undo = None
        self.gone += self.removed
        self.removed = []

    def rollback(self):
        steps, self.undo = self.undo, None
        for step in reversed(steps):
            step()
        self.created, self.inserted, self.removed = [], [], []

    def remember(self, mapping, key):
        """Note how to put mapping[key] back."""
        if self.undo is None:
            return
        if key in mapping:
            old = mapping[key]
            self.undo.append(lambda: mapping.__setitem__(key, old))
        else:
            self.undo.append(lambda: mapping.pop(key, None))

    def add_note(self, text, title="Message", indicator=None, **more):
        """A message that goes out beside a successful answer."""
        self.notes.append(dict(note(text, title, indicator), **more))

    # -- documents

    def table(self, doctype):
        found = self.tables.get(doctype)
        if found is None:
            found = self.tables[doctype] = {}
        return found

    def get(self, doctype, name):
        """The stored document, or None. Singles always exist."""
        if doctypes.is_single(doctype):
            return self.single(doctype)
        return self.table(doctype).get(fold(name)) if isinstance(name, str) else None

    def single(self, doctype):
        if doctype not in self.singles:
            document = doctypes.blank(doctype, self, doctype)
            self.singles[doctype] = dict(document, owner="Administrator", modified_by="Administrator")
        return self.singles[doctype]

    def put(self, document):
        """Store a new document or a new version of one."""
        doctype = document["doctype"]
        if doctypes.is_single(doctype):
            self.remember(self.singles, doctype)
            self.singles[doctype] = document
            return
        table, key = self.table(doctype), fold(document["name"])
        old = table.get(key)
        if old is None:
            self.created.append((doctype, document["name"]))
        self.replace(doctype, table, key, old, document)
        if self.undo is not None:
            self.undo.append(lambda: self.replace(doctype, table, key, document, old))

    def remove(self, document):
        doctype, key = document["doctype"], fold(document["name"])
        table = self.table(doctype)
        if key not in table:
            return
        self.replace(doctype, table, key, document, None)
        (self.gone if self.undo is None else self.removed).append(document)
        if self.undo is not None:
            self.undo.append(lambda: self.replace(doctype, table, key, None, document))

    def replace(self, doctype, table, key, old, new):
        """Swap one version for another, in the table and in its indexes."""
        for field in self.indexed(doctype):
            if old is not None:
                self.index(doctype, field, old).pop(key, None)
            if new is not None:
                self.index(doctype, field, new)[key] = new
        if new is None:
            table.pop(key, None)
        else:
            table[key] = new

    def indexed(self, doctype):
        """Unique custom fields are indexed too, or each insert would read the whole table."""
        custom = self.custom_fields.get(doctype)
        if not custom:
            return doctypes.indexed(doctype)
        return doctypes.indexed(doctype) + tuple(field for field, rule in custom.items() if rule["unique"])

    def add_custom_field(self, doctype, field, label, unique=False, default=None):
        rule = {"label": label, "unique": unique, "default": default}
        rules = dict(self.custom_fields.get(doctype, {}), **{field: rule})
        self.remember(self.custom_fields, doctype)
        self.custom_fields[doctype] = rules
        if unique:
            for key, document in self.table(doctype).items():
                self.index(doctype, field, document)[key] = document

    def index(self, doctype, field, document):
        value = document.get(field)
        return self.index_entry(doctype, field, fold(value) if isinstance(value, str) else value)

    def index_entry(self, doctype, field, value):
        entries = self.indexes.setdefault((doctype, field), {})
        found = entries.get(value)
        if found is None:
            found = entries[value] = {}
        return found

    def where(self, doctype, field, value):
        """The documents whose field has this value, by index when there is one."""
        wanted = fold(value) if isinstance(value, str) else value
        if field in self.indexed(doctype):
            return list(self.index_entry(doctype, field, wanted).values())
        return [document for document in self.table(doctype).values() if same(document.get(field), wanted)]

    def change(self, document, **fields):
        """Store the document with some fields changed; gives the new version."""
        changed = dict(document, **fields)
        changed["modified"], changed["modified_by"] = self.now(), self.actor
        self.put(changed)
        return changed

    def single_value(self, doctype, field):
        return self.single(doctype).get(field)


def same(value, folded):
    return (fold(value) if isinstance(value, str) else value) == folded
