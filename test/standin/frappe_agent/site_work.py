"""The jobs that make, change and remove a site."""

import json

from frappe_agent.backup_work import back_up
from frappe_agent.benches import Site
from frappe_agent.running import PythonFailed, quote

PROGRESS = "Updating DocTypes for %-14s: [%d%%]"


# -- steps that several jobs share

def make_site(run, root_password, admin_password):
    """`bench new-site`: first the directory, then its config, then everything else. Nothing is cleaned up after a failure."""
    name, bench = run.job.site, run.bench
    existing = bench.directories.get(name)

    def command(user, password):
        text = "new-site --no-mariadb-socket --mariadb-root-username %s --mariadb-root-password %s --admin-password %s --db-name %s %s" % (
            user, password, admin_password, (existing or new).db_name, name)
        if existing:
            hint = "" if run.agent.mode["old_frappe"] else ", use `--force` to proceed anyway"
            return run.bench_command(text, "Site %s already exists%s" % (name, hint), returncode=1)
        return run.bench_command(text, installed("frappe") + "\n*** Scheduler is disabled ***", making(run, new))

    new = Site(name, bench.folder + "/sites")
    return (yield from run.as_limited_user(existing or new, root_password, command))


def making(run, site):
    """What the output shows while the site comes into being."""
    run.bench.directories[site.name] = site
    run.agent.count_created("Site", run.job)
    yield "Installing frappe...\n"
    site.write_config(run.password())
    site.apps = ["frappe"]
    for percent in (20, 40, 60, 80):
        yield "Installing frappe...\n" + PROGRESS % ("frappe", percent)


def installed(app):
    return "Installing %s...\n%s" % (app, PROGRESS % (app, 100))


def install_apps(run, apps):
    data = {"apps": {}, "output": ""}
    for app in apps:
        if app == "frappe":
            data["apps"][app] = {}
            continue
        record = yield from install_app(run, app)
        data["apps"][app] = {"install": record}
        data["output"] = record["output"]
    return data


def install_app(run, app, options=""):
    record = yield from run.site_command("install-app %s%s" % (app, options), "\n" + installed(app), ("\nInstalling %s...\n" % app,))
    if app not in run.site.apps:
        run.site.apps.append(app)
    return record


def configure(run, values, remove=()):
    run.site.config.update(values)
    for key in remove:
        run.site.config.pop(key, None)


def enable_scheduler(run):
    record = yield from run.site_command("scheduler enable", "Enabled for site")
    run.site.scheduler = True
    return record


def add_user(run, email, first_name, last_name, password=None):
    command = "add-system-manager %s --first-name %s --last-name %s" % (email, quote(first_name), quote(last_name))
    if password:
        command += " --password " + quote(password)
    if email in run.site.users:
        return (yield from run.site_command(command, "frappe.exceptions.DuplicateEntryError: ('User', %r)" % email, returncode=1))
    record = yield from run.site_command(command)
    run.site.users.add(email)
    run.agent.count_created("User", run.job, email)
    return record


def reload_nginx(run):
    return run.sudo("systemctl reload nginx")


def setup_nginx(run):
    yield from run.step("Bench Setup NGINX", lambda: reload_nginx(run))


def setup_and_reload_nginx(run):
    yield from setup_nginx(run)
    yield from run.step("Reload NGINX", lambda: reload_nginx(run))


# -- jobs

def new_site(run, name, config, apps, root_password, admin_password, create_user=None):
    yield from run.step("New Site", lambda: make_site(run, root_password, admin_password))
    yield from run.step("Install Apps", lambda: install_apps(run, apps))
    yield from run.step("Update Site Configuration", lambda: configure(run, config))
    yield from run.step("Enable Scheduler", lambda: enable_scheduler(run))
    if create_user and create_user.get("email"):
        yield from run.step("Create User", lambda: add_user(run, **create_user))
    yield from setup_and_reload_nginx(run)


def create_user(run, email, first_name, last_name, password=None):
    yield from run.step("Create User", lambda: add_user(run, email, first_name, last_name, password))


def complete_setup_wizard(run, args):
    def wizard():
        background = run.site.config.get("trigger_site_setup_in_background")
        record = yield from run.site_command(
            "execute frappe.desk.page.setup_wizard.setup_wizard.setup_complete --kwargs " + quote(json.dumps({"args": args})),
            json.dumps({"status": "registered" if background and not run.site.wizard_done else "ok"}))
        run.site.wizard_done = True
        return record
    return (yield from run.step("Complete Setup Wizard", wizard))


def add_domain(run, domain):
    domains = sorted(set(run.site.config.get("domains", [])) | {domain})
    yield from run.step("Update Site Configuration", lambda: configure(run, {"domains": domains}))
    yield from setup_and_reload_nginx(run)


def remove_domain(run, domain):
    domains = sorted(set(run.site.config.get("domains", [])) - {domain})
    yield from run.step("Update Site Configuration", lambda: configure(run, {"domains": domains}))
    yield from setup_and_reload_nginx(run)


def install_one_app(run, app):
    yield from run.step("Install App on Site", lambda: install_app(run, app, " --force"))


def uninstall_app(run, app, offsite=None):
    def work():
        record = yield from run.site_command("uninstall-app %s -y --force" % app, "Uninstalled App %s from Site %s" % (app, run.job.site))
        run.site.apps = [name for name in run.site.apps if name != app]
        return record
    yield from run.step("Uninstall App on Site", work)


def update_config(run, config, remove):
    yield from run.step("Update Site Configuration", lambda: configure(run, config, remove))


def archive_site(run, name, root_password, force, offsite):
    if name not in run.bench.directories:
        return {}
    result = {}
    if offsite:
        result = yield from back_up(run, with_files=True, offsite=offsite, keep_files=False)
    yield from run.step("Archive Site", lambda: drop_site(run, root_password, force))
    yield from setup_nginx(run)
    reload_nginx(run)
    return result


def drop_site(run, root_password, force):
    site = run.bench.directories[run.job.site]
    if site.config is None:
        raise KeyError("db_name")

    def command(user, password):
        return run.bench_command("drop-site --no-backup %s --root-login %s --root-password %s --archived-sites-path archived %s" % (
            "--force" if force else "", user, password, site.name))
    record = yield from run.as_limited_user(site, root_password, command)
    if run.bench.directories.pop(site.name, None):
        run.agent.count_deleted("Site", run.job)
        for email in site.users:
            run.agent.count_deleted("User", run.job, email)
    return record


def rename_site(run, new_name, create_user=None, config=None):
    yield from run.step("Enable Maintenance Mode", lambda: set_maintenance(run, True))
    yield from run.step("Wait for Enqueued Jobs", lambda: None)
    if config:
        yield from run.step("Update Site Configuration", lambda: configure(run, config))
    yield from run.step("Rename Site", lambda: move_site(run, new_name))
    yield from setup_and_reload_nginx(run)
    yield from run.step("Disable Maintenance Mode", lambda: set_maintenance(run, False))
    yield from run.step("Enable Scheduler", lambda: enable_scheduler(run))
    if create_user and create_user.get("email"):
        yield from run.step("Create User", lambda: add_user(run, **create_user))


def move_site(run, new_name):
    if new_name in run.bench.directories:
        raise PythonFailed("Traceback (most recent call last):\n  ...\nFileExistsError: [Errno 17] File exists: '%s'\n" % new_name)
    site = run.bench.directories.pop(run.job.site)
    run.agent.count_deleted("Site", run.job)
    site.name = run.job.site = new_name
    run.bench.directories[new_name] = site
    run.agent.count_created("Site", run.job)


def set_maintenance(run, on):
    record = yield from run.site_command("set-maintenance-mode %s" % ("on" if on else "off"))
    run.site.maintenance = on
    return record
