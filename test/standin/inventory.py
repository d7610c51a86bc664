"""Which documents ERPNext was made to create, and how often."""

import collections

from common.journal import Journal

# What makes two documents the same thing to a tenant, where the name does not.
LOGICAL_KEYS = {
    "Item Price": ("item_code", "price_list"), "Customer": ("customer_name",),
    "POS Opening Entry": ("company", "pos_profile"), "Stock Entry": ("company", "stock_entry_type", "remarks"),
    "Stock Reconciliation": ("company", "purpose"), "POS Invoice": ("company", "customer", "remarks"),
    "Sales Invoice": ("company", "customer", "remarks"), "User Permission": ("user", "allow", "for_value"),
}


class DocumentJournal(Journal):
    def reset(self):
        super().reset()
        self.derived = collections.defaultdict(collections.Counter)

    def count(self, site, outcome):
        """Add what a committed request created and deleted."""
        for doctype, name in outcome.inserted:
            self.created(site.name, doctype, logical_name(site.get(doctype, name)))
        for doctype, name in outcome.derived:
            self.derived[site.name][doctype] += 1
        self.count_gone(site)

    def count_gone(self, site):
        """With what a deletion took along, and what a background job removed."""
        gone, site.gone = site.gone, []
        for document in gone:
            self.deleted(site.name, document["doctype"], logical_name(document))

    def inventory(self, sites):
        return {name: self.site_inventory(site) for name, site in sites.items()}

    def site_inventory(self, site):
        self.count_gone(site)
        return dict(self.counts_of(site.name), derived=dict(self.derived[site.name]), more_than_once=self.more_than_once(site.name),
                    documents={doctype: len(table) for doctype, table in site.tables.items() if table})


def logical_name(document):
    fields = LOGICAL_KEYS.get(document["doctype"])
    if fields is None:
        return document["name"]
    return " | ".join(str(document.get(field)) for field in fields if document.get(field) is not None)
