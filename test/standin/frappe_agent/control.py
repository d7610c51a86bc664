"""What the control API offers for Agent beside what it offers for every stand-in."""


def tick(gateway, body, query):
    """One moment for everything, or for one job; "count" of them, or until the job is over."""
    agent = gateway.agent
    job = agent.jobs.rows[body["job"]] if "job" in body else None
    for _ in range(body.get("count", 1)):
        agent.workers.tick(job)
        if job is not None and job.work is None and job.is_final():
            break
    return jobs(gateway, body, query)


def jobs(gateway, body, query):
    """Every job there ever was, shortly."""
    return [{"id": job.id, "key": job.key, "name": job.name, "bench": job.bench, "site": job.site, "status": job.status,
             "in_redis": job.in_redis, "steps": [[step.name, step.status] for step in job.steps]} for job in gateway.agent.jobs.rows.values()]


def kill(gateway, body, query):
    """The process that does this job dies."""
    job = gateway.agent.jobs.rows[body["job"]]
    if job.work is None:
        raise ValueError("job %d does not run" % job.id)
    gateway.agent.workers.kill(job)
    return job.show()


def redis(gateway, body, query):
    """Redis loses its data, or the outputs of commands only."""
    if body["lose"] == "everything":
        gateway.agent.workers.forget()
    elif body["lose"] == "commands":
        for job in gateway.agent.jobs.rows.values():
            job.lose_commands()
    else:
        raise ValueError('redis can lose "everything" or "commands"')
    return {}


def restart(gateway, body, query):
    """Web, workers and redis start anew; "history" is "kept" or "lost"; nobody answers for "down_ms"."""
    if body.get("history", "kept") not in ("kept", "lost"):
        raise ValueError('the history is "kept" or "lost"')
    gateway.agent.restart(body.get("history", "kept"))
    if body.get("down_ms"):
        gateway.later(0.001, lambda: gateway.server.go_away(body["down_ms"] / 1000))     # after this answer
    return {}


def plant_site(gateway, body, query):
    """A site that was there before, or what a site of that name is to have."""
    bench = gateway.agent.benches[body.pop("bench", None) or next(iter(gateway.agent.benches))]
    return bench.plant(**body).describe()


ROUTES = {("POST", "tick"): tick, ("GET", "jobs"): jobs, ("POST", "kill"): kill, ("POST", "redis"): redis, ("POST", "restart"): restart,
          ("POST", "site"): plant_site}
