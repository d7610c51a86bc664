"""The order in which Agent's exchanges were recorded, and what happened between them."""

BENCH = "/benches/bench-0001-000001-f1"
NEW_SITE = {"config": {}, "apps": ["frappe", "erpnext"], "mariadb_root_password": "rootpw", "admin_password": "adminpw"}
OPTIONS = ("--manual", "--workers", "1", "--backup-workers", "0", "--token", "agent-secret-token", "--root-password", "rootpw")


def control(name, **body):
    return ("CONTROL", name, body, None)


def tick(count=30):
    return control("tick", count=count)


def post(path, key=None, **body):
    return ("POST", path, body, key)


def archive(site, key=None):
    return post(BENCH + "/sites/%s/archive" % site, key, mariadb_root_password="rootpw", force=False)


def play(first, last):
    """The recordings with these numbers, in the order of their names' numbers."""
    return ("PLAY", first, last, None)


STEPS = [
    control("mode", web=False, git=False, old_frappe=True),
    play(1, 33),
    control("mode", database_down=True), tick(), play(40, 42), control("mode", database_down=False),
    play(50, 50), tick(2), play(51, 51), tick(4), play(52, 52), tick(), play(53, 55), tick(), play(56, 57), tick(), play(58, 59), tick(),
    play(60, 61), tick(), play(62, 70), play(71, 71), control("mode", backup_workers=1), tick(), play(72, 73), tick(), play(74, 75), tick(),
    play(76, 80), tick(), play(81, 81),
    control("site", site="one.example.com"), archive("one.example.com", "c1b2c3d4e6"), tick(),
    control("site", site="two.example.com"), archive("two.example.com"), tick(), play(85, 85),
    post(BENCH + "/sites/acme.example.com/backup"), post(BENCH + "/sites", "d1b2c3d4e5", name="beta.example.com", **NEW_SITE), tick(3),
    play(90, 97), play(82, 82), tick(), play(83, 83), archive("acme.example.com"), tick(), play(84, 84), play(86, 87),
    post("/ping_job", "e1b2c3d4e5"), tick(), play(100, 100),
    post(BENCH + "/sites", "f1b2c3d4e5", name="gamma.example.com", **NEW_SITE), tick(1), control("kill", job=20), play(101, 102),
    control("mode", redis_down=True), play(103, 104), control("mode", redis_down=False), play(105, 105),
    control("restart"), play(106, 107), post("/ping_job", "aa00000002"), control("redis", lose="everything"), play(108, 109),
]

# Not a request to Agent but one of its own: test_agent_switches.py has it.
NOT_REPLAYED = {"110_callback_agent_to_press"}
