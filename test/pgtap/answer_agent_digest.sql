-- What is kept of answers of Frappe Agent: how far, why not, which files; never what a job was given.
BEGIN;
SELECT plan(8);
SELECT is(provision.agent_digest('{"error": ["Traceback (most recent call last):", "  File \"x\"", "KeyError: ''config''"]}'),
          '{"exc_type": "KeyError", "exception": "KeyError: ''config''"}', 'the exception of an error');
SELECT is(provision.agent_digest('{"error": ["agent.job.JobModelDoesNotExist: <Model: JobModel> instance matching query does not exist:", "SQL: SELECT 1", "Params: [9]"]}') ->> 'exc_type',
          'JobModelDoesNotExist', 'also where lines come after it');
SELECT is(provision.agent_digest('[{"id": 4, "agent_job_id": "k", "name": "New Site", "status": "Running", "start": "2026-11-22 01:43:33", "data": {"function": "new_site", "args": ["hunter2"], "kwargs": {}},
          "steps": [{"name": "New Site", "status": "Success"}, {"name": "Install Apps", "status": "Running", "commands": [{"command": "x hunter2", "output": "hunter2"}]}]}]'),
          '{"data": [{"id": 4, "key": "k", "title": "New Site", "status": "Running", "has_begun": true, "step_count": 2, "steps_done": 1, "step": "Install Apps"}]}', 'a job that runs');
SELECT is(provision.agent_digest('[{"id": 4, "name": "New Site", "status": "Failure", "data": {"output": "one\ntwo\nSite acme.example.com already exists"}, "steps": [{"name": "New Site", "status": "Failure"}]}]') #> '{data,0,site_existed}',
          'true', 'a site that was there');
SELECT is(provision.agent_digest('[{"id": 4, "name": "x", "status": "Failure", "data": {"args": ["hunter2"]}, "steps": []}]') #>> '{data,0,reason}', 'its process was ended', 'a failure without a reason');
SELECT is(provision.agent_digest('[{"id": 4, "name": "x", "status": "Success", "data": {"backups": {"database": {"file": "f", "path": "/p", "size": 5, "url": "u"}}}, "steps": []}]') #> '{data,0,backups}',
          '{"database": {"file": "f", "size": 5, "url": "u"}}', 'the files of a backup');
SELECT is(provision.agent_digest('{"name": "acme", "password": "hunter2"}'), '{"name": "acme", "password": "[redacted]"}', 'anything else is redacted');
SELECT is(provision.agent_digest('7'), '7', 'what is no object stays');
SELECT * FROM finish();
ROLLBACK;
