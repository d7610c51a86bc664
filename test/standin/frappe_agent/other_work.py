"""Jobs beside a site's usual life: restoring, repairing, proxies, the server itself."""

from frappe_agent.running import PythonFailed
from frappe_agent.site_work import configure, enable_scheduler, make_site, set_maintenance, setup_and_reload_nginx


def ping_job(run):
    return (yield from run.step("Ping Step", lambda: {"message": "pong"}))


# -- restoring and repairing

def new_site_from_backup(run, name, config, apps, root_password, admin_password, site_config, database, public, private, skip_failing_patches):
    yield from run.step("Download Backup Files", lambda: {"directory": "/tmp/restore"})
    yield from run.step("New Site", lambda: make_site(run, root_password, admin_password))
    yield from run.step("Update Site Configuration", lambda: configure(run, config))
    yield from run.step("Restore Site", lambda: restore(run, apps))
    if site_config:
        yield from run.step("Update Site Configuration", lambda: configure(run, {"restored": True}))
    yield from run.step("Delete Downloaded Backup Files", lambda: None)
    yield from run.step("Uninstall Unavailable Apps", lambda: None)
    yield from run.step("Migrate Site", lambda: run.site_command("migrate" + (" --skip-failing" if skip_failing_patches else "")))
    yield from run.step("Set Administrator Password", lambda: run.site_command("set-admin-password " + admin_password))
    yield from run.step("Enable Scheduler", lambda: enable_scheduler(run))
    yield from setup_and_reload_nginx(run)
    return (yield from run.site_command("list-apps", "\n".join(apps)))


def restore(run, apps):
    record = yield from run.site_command("--force restore database.sql.gz", "Site %s has been restored" % run.job.site)
    run.site.apps = list(apps)
    return record


def restore_site(run, apps, root_password, admin_password, database, public, private, skip_failing_patches):
    yield from run.step("Download Backup Files", lambda: {"directory": "/tmp/restore"})
    yield from run.step("Restore Site", lambda: restore(run, apps))
    yield from run.step("Delete Downloaded Backup Files", lambda: None)
    yield from run.step("Uninstall Unavailable Apps", lambda: None)
    yield from run.step("Migrate Site", lambda: run.site_command("migrate"))
    yield from run.step("Set Administrator Password", lambda: run.site_command("set-admin-password " + admin_password))
    yield from run.step("Enable Scheduler", lambda: enable_scheduler(run))
    yield from setup_and_reload_nginx(run)


def reinstall_site(run, root_password, admin_password):
    def wipe():
        record = yield from run.site_command("reinstall --yes --mariadb-root-password %s --admin-password %s" % (root_password, admin_password))
        run.site.apps, run.site.users, run.site.wizard_done = ["frappe"], set(), False
        return record
    yield from run.step("Reinstall Site", wipe)


def migrate_site(run, skip_failing_patches, activate):
    yield from run.step("Enable Maintenance Mode", lambda: set_maintenance(run, True))
    yield from run.step("Migrate Site", lambda: run.site_command("migrate" + (" --skip-failing" if skip_failing_patches else "")))
    if activate:
        yield from run.step("Disable Maintenance Mode", lambda: set_maintenance(run, False))


def run_after_migrate_steps(run, admin_password):
    yield from run.step("Set Administrator Password", lambda: run.site_command("set-admin-password " + admin_password))
    yield from setup_and_reload_nginx(run)
    yield from run.step("Disable Maintenance Mode", lambda: set_maintenance(run, False))
    yield from run.step("Enable Scheduler", lambda: enable_scheduler(run))


def activate_site(run):
    yield from run.step("Disable Maintenance Mode", lambda: set_maintenance(run, False))


def deactivate_site(run):
    yield from run.step("Enable Maintenance Mode", lambda: set_maintenance(run, True))
    yield from run.step("Wait for Enqueued Jobs", lambda: None)


def archive_bench(run):
    yield from run.step("Bench Disable Production", lambda: run.command("docker rm %s --force" % run.bench.name))
    yield from run.step("Move Bench to Archived Directory", lambda: run.agent.benches.pop(run.bench.name, None) and None)


# -- the proxy's side

def add_site_to_upstream(run, address, name):
    def move():
        for sites in run.agent.proxy.upstreams.values():
            sites.discard(name)

    def add():
        run.agent.proxy.sites(address).add(name)
        run.agent.count_created("Upstream", run.job, name)
    yield from run.step("Remove Conflicting Site", move)
    yield from run.step("Add Site File to Upstream Directory", add)
    yield from reload_later(run)


def remove_site_from_upstream(run, address, name, extra_domains):
    if name not in run.agent.proxy.sites(address):
        return

    def remove():
        run.agent.proxy.sites(address).discard(name)
        run.agent.count_deleted("Upstream", run.job, name)
    yield from run.step("Remove Site File from Upstream Directory", remove)
    yield from reload_later(run)


def add_domain_to_upstream(run, address, domain):
    yield from run.step("Add Site File to Upstream Directory", lambda: run.agent.proxy.sites(address).add(domain))
    yield from reload_later(run)


def add_host(run, name, target, certificate):
    yield from run.step("Add Host to Proxy", lambda: run.agent.proxy.hosts.update({name: target}))
    yield from reload_later(run)


def update_site_status(run, address, name, status, extra_domains):
    yield from run.step("Update Site File", lambda: run.agent.proxy.status.update({name: status}))
    yield from reload_later(run)


def reload_later(run):
    """A proxy hands the reload over by the correlation key: without one redis refuses."""
    def hand_over():
        if run.job.key is None:
            raise PythonFailed("Traceback (most recent call last):\n  ...\nredis.exceptions.DataError: Invalid input of type: 'NoneType'."
                               " Convert to a bytes, string, int or float first.\n")
        run.job.reload_wanted = True
    yield from run.step("Reload NGINX", hand_over)
