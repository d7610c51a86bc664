"""The private PostgreSQL server, through psql: PGHOST and the like say which."""

import json
import subprocess


class DatabaseError(Exception):
    pass


def run(statement, **values):
    """Values are written in the statement as :'name' and go in by standard input, because arguments can be seen by others."""
    settings = "".join("\\set %s %s\n" % (name, quoted(value)) for name, value in values.items())
    done = subprocess.run(["psql", "-XqAt", "-v", "ON_ERROR_STOP=1", "-v", "VERBOSITY=verbose"],
                          input=settings + statement + ";\n", capture_output=True, text=True, timeout=1200)
    if done.returncode != 0:
        raise DatabaseError(done.stderr.strip())
    return done.stdout.strip()


def quoted(value):
    """As an argument of psql's backslash commands."""
    return "'" + str(value).replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n") + "'"


def rows(query, **values):
    return json.loads(run("SELECT coalesce(json_agg(row_to_json(r)), '[]') FROM (%s) AS r" % query, **values))


def row(query, **values):
    return rows(query, **values)[0]


def value(query, **values):
    return next(iter(row(query, **values).values()))
