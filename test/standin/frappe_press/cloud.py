"""Sites of teams and what happens to them."""

import random
import time

from errors import FrappeError, duplicate, missing_document
from frappe_press.jobs import FINAL, Job, PressJobFault, now

ALTERABLE = ("Active", "Broken", "Inactive", "Suspended")


def refuse(kind, text):
    """What Press throws is a 417, whatever its name."""
    error = FrappeError(kind, text)
    error.status, error.path = 417, "press.exceptions." + kind
    return error


class Site:
    def __init__(self, name, team, apps, group, plan, cluster):
        self.name, self.team, self.apps, self.group, self.plan, self.cluster = name, team, apps, group, plan, cluster
        self.status, self.created_on = "Pending", now()
        self.jobs, self.backups = [], []

    def show(self):
        return {"name": self.name, "host_name": self.name, "status": self.status, "archive_failed": False, "trial_end_date": None,
                "setup_wizard_complete": False, "group": self.group, "team": self.team, "frappe_version": "Version 15",
                "latest_frappe_version": "Version 15", "server": "f1.local", "server_region_info": {"name": self.cluster}, "ip": "127.0.0.1",
                "pending_for_long": False, "site_migration": None, "version_upgrade": None, "site_tags": [], "tags": [],
                "info": {"owner": self.team, "created_on": self.created_on, "last_deployed": None, "auto_updates_enabled": False}}


class Backup:
    FILES = {"database": "database.sql.gz", "config": "site_config_backup.json", "public": "files.tar", "private": "private-files.tar"}

    def __init__(self, number, site, with_files):
        self.name, self.site, self.with_files = number, site, with_files
        self.status, self.creation = "Pending", now()

    def show(self):
        row = {"name": self.name, "site": self.site, "status": self.status, "creation": self.creation, "with_files": int(self.with_files), "offsite": 1}
        for kind, ending in self.FILES.items():
            is_there = self.status == "Success" and (self.with_files or kind in ("database", "config"))
            file = "%s-%s-%s" % (self.name, self.site.replace(".", "_"), ending)
            size_and_url = kind + ("_file" if kind == "config" else "")
            row.update({kind + "_file": file if is_there else None, size_and_url + "_size": "200000" if is_there else None,
                        size_and_url + "_url": "https://%s/backups/%s" % (self.site, file) if is_there else None,
                        "remote_%s_file" % kind: "remote-" + file if is_there else None})
        return row


class Cloud:
    def __init__(self, options, mode, faults, journal, later):
        self.options, self.mode, self.faults, self.journal, self.later = options, mode, faults, journal, later
        self.users = {options.key: {"secret": options.secret, "teams": list(options.team)}}
        self.sites, self.jobs, self.deploys = {}, {}, {}
        self.domains = {}           # custom domain → site
        self.asked_at = []          # of the method that anybody may call
        self.random = random.Random(options.seed)

    def hash(self, length=10):
        return "".join(self.random.choice("abcdefghijklmnopqrstuv0123456789") for _ in range(length))

    def find_site(self, name, team):
        site = self.sites.get(name)
        if site is None and not self.mode["hide_missing"]:
            raise missing_document("Site", name)
        if site is None or site.team != team:
            raise FrappeError("PermissionError", "Not permitted")
        return site

    def limit_asking(self):
        """So many times a minute, whoever asks; a real Press counts by address."""
        self.asked_at = [asked for asked in self.asked_at if asked > time.monotonic() - 60]
        if len(self.asked_at) >= self.mode["exists_per_minute"]:
            raise FrappeError("RateLimitExceededError", "You hit the rate limit because of too many requests. Please try after sometime.")
        self.asked_at.append(time.monotonic())

    # -- jobs

    def add_job(self, name, site, ended):
        job = Job(self.hash(), name, site.name, ended)
        job.fault = self.faults.find(PressJobFault, job)
        self.jobs[job.id] = job
        job.lost = job.fault is not None and "lost" in job.fault.action
        site.jobs.append(job)
        self.go_on_later(job)
        return job

    def go_on_later(self, job):
        """One timer a job, however often this is called."""
        if not job.timed and not self.mode["manual"] and job.status not in FINAL:
            job.timed = True
            self.later((job.fault.action if job.fault else {}).get("step_ms", self.mode["step_ms"]) / 1000, lambda: self.go_on(job))

    def go_on(self, job):
        job.timed = False
        if not self.mode["manual"] and job.status not in FINAL:
            job.tick()
            self.go_on_later(job)

    def tick(self):
        for job in list(self.jobs.values()):
            if job.status not in FINAL:
                job.tick()

    # -- a site's life

    def new_site(self, site):
        if site.name in self.sites:
            raise duplicate("Site", site.name)
        self.sites[site.name] = site
        site.status = "Installing"
        self.journal.created(site.team, "Site", site.name)
        both = [self.add_job(name, site, lambda job: self.judge(site, both)) for name in ("New Site", "Add Site to Upstream")]
        return both[0]

    def judge(self, site, both):
        """A site is ready when both servers are; one failure breaks it."""
        if any(job.status == "Failure" for job in both):
            site.status = "Broken"
        elif all(job.status == "Success" for job in both):
            site.status = "Active"

    def deploy(self, site):
        """A bench of its own first: known by the name of the deploy."""
        if site.name in self.sites:
            raise duplicate("Site", site.name)
        if any(deploy["site"].name == site.name for deploy in self.deploys.values()):
            raise refuse("ValidationError", "Release Group with title %s already exists" % site.name.split(".")[0])
        name = self.hash()
        self.deploys[name] = {"job": self.add_job("Deploy Bench", site, lambda job: self.deployed(job, site)), "site": site}
        return name

    def deployed(self, job, site):
        if job.status == "Success":
            self.new_site(site)

    def show_deploy(self, name):
        if name not in self.deploys:
            raise missing_document("Site Group Deploy", name)
        job, site = self.deploys[name]["job"], self.deploys[name]["site"]
        return {"doctype": "Site Group Deploy", "name": name, "site": site.name if site.name in self.sites else None, "release_group": "bench-" + name,
                "release_group.title as group_title": site.name.split(".")[0],
                "status": self.deploy_status(job, site)}

    def deploy_status(self, job, site):
        if job.status == "Failure":
            return "Bench Deploy Failed"
        if job.status != "Success":
            return job.current_step()["step_name"] if job.status == "Running" else "Pending"
        return {"Active": "Site Created", "Broken": "Site Creation Failed"}.get(site.status, "Creating Site")

    def archive(self, site):
        if site.status == "Archived":
            raise refuse("SiteAlreadyArchived", "Site is already archived")
        if site.status not in ALTERABLE:
            raise refuse("SiteUnderMaintenance", "Site is under maintenance (%s)" % site.status)
        site.status = "Pending"
        both = [self.add_job(name, site, lambda job: self.judge_archive(site, both)) for name in ("Archive Site", "Remove Site from Upstream")]

    def judge_archive(self, site, both):
        """The document of an archived site gets another name, so that the old one is free."""
        if any(job.status == "Failure" for job in both):
            site.status = "Broken"
        elif all(job.status == "Success" for job in both):
            self.journal.deleted(site.team, "Site", site.name)
            del self.sites[site.name]
            earlier = sum(name.startswith(site.name + ".archived") for name in self.sites)
            site.name += ".archived" + (".%d" % earlier if earlier else "")
            site.status = "Archived"
            self.sites[site.name] = site

    def back_up(self, site, with_files):
        if site.status not in ALTERABLE:
            raise refuse("SiteUnderMaintenance", "Site is under maintenance (%s)" % site.status)
        if any(backup.status in ("Pending", "Running") for backup in site.backups):
            raise refuse("SiteTooManyPendingBackups", "Too many pending backups")
        backup = Backup(self.hash(), site.name, with_files)
        site.backups.append(backup)
        self.journal.created(site.team, "Backup", "%s/%s" % (site.name, backup.name))
        self.add_job("Backup Site", site, lambda job: setattr(backup, "status", job.status))
        return backup
