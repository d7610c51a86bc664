"""Backups and what is made of them."""

from frappe_agent.running import PythonFailed, quote

FILES = {"database": ("database.sql.gz", 200000), "site_config": ("site_config_backup.json", 170), "private": ("private-files.tar", 10240),
         "public": ("files.tar", 30000)}
SUMMARY = """Backup Summary for %s at %s
Config  : ./%s/private/backups/%s-site_config_backup.json 100.0B
Database: ./%s/private/backups/%s-database.sql.gz 195.3KiB
Backup for Site %s has been successfully completed"""


def backup_job(run, with_files, offsite, keep_files, stream):
    return (yield from back_up(run, with_files, offsite, keep_files, stream))


def back_up(run, with_files, offsite, keep_files, stream=False):
    ask_for_encryption(run)
    if stream and offsite and not run.agent.mode["rclone"]:
        raise PythonFailed("Streaming backup requires rclone, but it was not found on PATH.")
    files = yield from run.step("Backup Site", lambda: dump_site(run, with_files))
    uploaded = {}
    if offsite:
        uploaded = yield from run.step("Upload Site Backup to S3", lambda: upload(run, files, offsite["path"], keep_files))
    return {"backups": files, "offsite": uploaded}


def ask_for_encryption(run):
    site = run.site
    query = "select value from %s.tabSingles where doctype = 'System Settings' and field = 'encrypt_backup'" % site.db_name
    run.quick("mariadb -h 127.0.0.1 -P 3306 -u%s -p%s --connect-timeout 3 -sN -e %s" % (
        site.db_name, site.config["db_password"], quote(query)), "0", folder=site.folder)


def dump_site(run, with_files):
    """The files of a backup are found by their age: what another one wrote meanwhile is taken for this one's."""
    site = run.site
    stem = "%s-%s" % (run.now().strftime("%Y%m%d_%H%M%S"), site.name.replace(".", "_"))
    output = SUMMARY % (site.name, run.now().replace(microsecond=0), site.name, stem, site.name, stem, site.name)
    run.agent.count_backup(run.job, +1)
    try:
        yield from run.site_command("backup %s     --verbose" % ("--with-files" if with_files else ""), output)
    finally:
        run.agent.count_backup(run.job, -1)
    site.backups.append((stem, with_files))
    run.agent.count_created("Backup", run.job, stem + " of job %d" % run.job.id)
    newest, newest_with_files = site.backups[-1], [backup for backup in site.backups if backup[1]]
    kinds = ("database", "private", "public", "site_config") if with_files else ("database", "site_config")
    return {kind: describe(site, (newest_with_files[-1] if kind in ("private", "public") else newest)[0], kind) for kind in kinds}


def describe(site, stem, kind):
    ending, size = FILES[kind]
    file = "%s-%s" % (stem, ending)
    return {"file": file, "path": "%s/private/backups/%s" % (site.folder, file), "size": size, "url": "https://%s/backups/%s" % (site.name, file)}


def upload(run, files, path, keep_files):
    """The local files go unless they are to be kept."""
    if not keep_files:
        run.site.backups.pop()
    return {file["file"]: "%s/%s" % (path, file["file"]) for file in files.values()}
