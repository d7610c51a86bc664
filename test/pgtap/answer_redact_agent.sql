-- What Agent tells of its jobs, in the shapes that were recorded, without their passwords: as documents, as texts, and as texts cut at any place.
BEGIN;
CREATE TEMPORARY TABLE told (name text, body jsonb);
INSERT INTO told VALUES
    ('arguments without names', '{"agent_job_id": "7001", "commands": [], "data": {"args": ["acme.example.com", {"host_name": "https://acme.example.com"}, ["frappe", "erpnext"], "leak1", "leak2"], "function": "new_site", "kwargs": {"create_user": {"email": "owner@acme.example", "first_name": "Ada", "password": "leak3"}}}, "name": "New Site", "status": "Pending"}'),
    ('options of a command', '{"command": "docker exec  -w /home/frappe/frappe-bench  bench-0001-000001-f1 bench new-site --no-mariadb-socket --mariadb-root-username _d0d_limited --mariadb-root-password leak1 --admin-password leak2 --db-name _d0d acme.example.com", "status": "Running"}'),
    ('options at the end', '{"command": "bench --site acme.example.com add-system-manager u2@acme.example --first-name Bo --last-name Two --password leak1", "directory": "/home/frappe"}'),
    ('options quoted for the shell', '{"command": "bench add-system-manager a@b.example --password ''leak1 it''\"''\"''leak2'' --last-name Two", "output": "bench set-admin-password --admin-password=''leak3'' --password \"leak4 x\" done"}'),
    ('a list of arguments', '{"command": ["bench", "new-site", "--admin-password", "leak1", "--db-name", "x"], "output": "[''mysql'', ''-uroot'', ''-pleak2'', ''--root-password'', ''leak3'']"}'),
    ('a client of the database', '{"command": "mysql -h 127.0.0.1 -P 3306 -uroot -pleak1 -e \"CREATE OR REPLACE USER ''_d0d_limited''@''%'' IDENTIFIED BY ''leak2''\"", "returncode": 0}'),
    ('a traceback', '{"traceback": "Traceback (most recent call last):\n  ...\nsubprocess.CalledProcessError: Command ''docker exec bench-0001 bench new-site --mariadb-root-password leak1 --admin-password leak2 acme.example.com'' returned non-zero exit status 1.\n"}'),
    ('a dictionary of Python', '{"traceback": "KeyError in {''admin_password'': ''leak1'', ''site'': ''acme'', ''mariadb_root_password'': \"leak2''s\"}"}'),
    ('a configuration', '{"data": {"config": {"db_name": "_stubdb", "db_password": "leak1", "encryption_key": "leak2", "host_name": "https://acme.example.com"}, "timezone": "Africa/Nairobi"}}'),
    ('credentials of a store', '{"offsite": {"auth": {"ACCESS_KEY": "leak1", "SECRET_KEY": "leak2"}, "bucket": "b"}}'),
    ('an address of a database', '{"output": "connect to mysql://root:leak1@db.example:3306/x and postgres://u:leak2@db/y"}'),
    ('pickled arguments', '{"data": {"created_at": "2026-11-22T01:44:25.334774Z", "data": "b''x\\x9c\\xa5T[k\\xd4@\\x14Vleak1\\xdb\\\"leak2''", "description": "agent.bench.new_site()", "worker_name": "w"}}'),
    ('names with escapes', '{"output": "{\"p\\u0061ssword\": \"leak1\", \"api\\u005fsecret\": \"l\\u0065ak2\"}"}'),
    ('a header line', '{"output": "Set-Cookie: sid=leak1; Path=/\nX-Press-Token: leak2\nAuthorization: Bearer leak3leak3leak3"}');

SELECT plan((SELECT 3 * count(*)::integer FROM told) + 5);
SELECT unalike(provision.redact(body)::text, '%leak%', name || ', as a document') FROM told;
SELECT unalike(provision.redact_text(body::text), '%leak%', name || ', as a text') FROM told;
SELECT is((SELECT string_agg(provision.redact_text(left(body::text, places)), E'\n') FROM generate_series(1, length(body::text)) AS places
            WHERE provision.redact_text(left(body::text, places)) LIKE '%leak%'), NULL, name || ', cut at any place') FROM told;

-- What people need stays.
SELECT is(provision.redact(body) - 'data', body - 'data', 'the rest of a job stays') FROM told WHERE name = 'arguments without names';
SELECT alike(provision.redact(body) ->> 'command', 'docker exec %--mariadb-root-username _d0d_limited --mariadb-root-password [redacted] --admin-password [redacted] --db-name _d0d acme.example.com',
            'and of a command') FROM told WHERE name = 'options of a command';
SELECT alike(provision.redact(body) ->> 'output', 'connect to mysql://[redacted]@db.example:3306/x %', 'and of an address') FROM told WHERE name = 'an address of a database';
SELECT is(provision.redact_text('{"error": ["    .archive_site(site, data[\"mariadb_root_password\"])", "KeyError: ''mariadb_root_password''"]}'),
          '{"error": ["    .archive_site(site, data[\"mariadb_root_password\"])", "KeyError: ''mariadb_root_password''"]}', 'and the name of what was missing');
SELECT is(provision.redact('{"args": {"company": "Acme"}, "function": "x"}'), '{"args": {"company": "Acme"}, "function": "x"}', 'arguments with names are judged by their names');
SELECT * FROM finish();
ROLLBACK;
