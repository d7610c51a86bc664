"""What Frappe Cloud's public API (Press) does: teams, sites, their jobs and backups."""
