"""Benches and the sites on them, as Agent finds them on the disk."""

import hashlib

BENCHES = "/home/frappe/agent/benches"
APPS_OF_SITE = ["frappe", "erpnext"]


class Site:
    """A directory; its config is None until site_config.json is written."""

    def __init__(self, name, folder):
        self.name = name
        self.folder = "%s/%s" % (folder, name)
        self.db_name = "_" + hashlib.sha1(self.folder.encode()).hexdigest()[:16]
        self.config = None
        self.apps, self.users, self.backups = [], set(), []
        self.scheduler = self.wizard_done = self.maintenance = False
        self.web = None             # None: as the server's mode says

    def write_config(self, password, **values):
        self.config = dict({"db_name": self.db_name, "db_password": password, "db_type": "mariadb"}, **values)

    def describe(self):
        return {"config": self.config, "apps": self.apps, "users": sorted(self.users), "backups": len(self.backups),
                "scheduler": self.scheduler, "wizard_done": self.wizard_done}


class Bench:
    def __init__(self, name):
        self.name = name
        self.config = {"db_host": "127.0.0.1", "db_port": 3306, "redis_cache": "redis://localhost:13000"}
        self.folder = "%s/%s" % (BENCHES, name)
        self.directories = {}

    def sites(self):
        """What Agent takes for a site: directories with a config that can be read."""
        return {name: site for name, site in self.directories.items() if site.config is not None}

    def make_directory(self, name):
        site = self.directories[name] = Site(name, self.folder + "/sites")
        return site

    def plant(self, site, apps=None, config=None, users=(), web=None, half_made=False):
        """A site that was there before, for a test; half-made is a directory without site_config.json."""
        site = self.directories.get(site) or self.make_directory(site)
        if not half_made:
            site.write_config("planted", **(config or {}))
        site.apps, site.web, site.scheduler = list(apps or APPS_OF_SITE), web, True
        site.users.update(users)
        return site

    def dump(self):
        """The list of apps is always empty: a bug of Agent's."""
        return {"name": self.name, "apps": {}, "config": self.config, "sites": {name: {"name": name} for name in self.sites()}}


class Proxy:
    """What a proxy server's Agent keeps: sites by the address of their server, hosts with certificates."""

    def __init__(self):
        self.upstreams, self.hosts, self.status = {}, {}, {}

    def sites(self, address):
        return self.upstreams.setdefault(address, set())

    def describe(self):
        return {"upstreams": {address: sorted(sites) for address, sites in self.upstreams.items()}, "hosts": sorted(self.hosts), "status": self.status}
