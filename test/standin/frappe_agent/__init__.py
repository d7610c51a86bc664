"""What a Frappe Agent does: its job table, its workers, its benches and sites, its HTTP interface."""
