"""Every kind of job: its title, the function that shows in its data, its queue, and what does it."""

import collections

from frappe_agent import backup_work, other_work, site_work

Kind = collections.namedtuple("Kind", "title function queue work")

KINDS = {kind.title: kind for kind in (
    Kind("Ping Job", "ping_job", "default", other_work.ping_job),
    Kind("New Site", "new_site", "high", site_work.new_site),
    Kind("New Site from Backup", "new_site_from_backup", "high", other_work.new_site_from_backup),
    Kind("Create User", "create_user", "high", site_work.create_user),
    Kind("Rename Site", "rename_site_job", "high", site_work.rename_site),
    Kind("Add Domain", "add_domain", "high", site_work.add_domain),
    Kind("Remove Domain", "remove_domain", "high", site_work.remove_domain),
    Kind("Update Site Configuration", "update_config_job", "high", site_work.update_config),
    Kind("Backup Site", "backup_job", "backup", backup_work.backup_job),
    Kind("Archive Site", "archive_site", "default", site_work.archive_site),
    Kind("Complete Setup Wizard", "complete_setup_wizard", "default", site_work.complete_setup_wizard),
    Kind("Install App on Site", "install_app_job", "default", site_work.install_one_app),
    Kind("Uninstall App on Site", "uninstall_app_job", "default", site_work.uninstall_app),
    Kind("Restore Site", "restore_job", "default", other_work.restore_site),
    Kind("Reinstall Site", "reinstall_job", "default", other_work.reinstall_site),
    Kind("Migrate Site", "migrate_job", "default", other_work.migrate_site),
    Kind("Run After Migrate Steps", "run_after_migrate_steps_job", "default", other_work.run_after_migrate_steps),
    Kind("Activate Site", "activate", "default", other_work.activate_site),
    Kind("Deactivate Site", "deactivate", "default", other_work.deactivate_site),
    Kind("Archive Bench", "archive_bench", "low", other_work.archive_bench),
    Kind("Add Site to Upstream", "add_site_to_upstream_job", "default", other_work.add_site_to_upstream),
    Kind("Remove Site from Upstream", "remove_site_from_upstream_job", "default", other_work.remove_site_from_upstream),
    Kind("Add Domain to Upstream", "add_domain_to_upstream_job", "default", other_work.add_domain_to_upstream),
    Kind("Add Host to Proxy", "add_host_job", "default", other_work.add_host),
    Kind("Update Site Status", "update_site_status_job", "default", other_work.update_site_status),
)}
