-- What is kept of answers of Frappe Cloud: how far, why not, which files; never the output of commands or what else it tells.
BEGIN;
SELECT plan(14);
SELECT is(provision.press_digest('{"exc_type": "ValidationError", "exc": "[\"Traceback hunter2\"]", "_server_messages": "[\"{\\\"message\\\": \\\"Plan <b>Gold</b> is not allowed\\\"}\"]"}'),
          '{"exc_type": "ValidationError", "exception": "ValidationError: Plan Gold is not allowed"}', 'an error is its class and what it says, without markup and traceback');
SELECT is(provision.frappe_message(provision.press_digest('{"exc_type": "ValidationError", "exception": "frappe.exceptions.ValidationError: No"}')), 'No', 'which is told to people');
SELECT is(provision.press_digest('{"message": {"name": "j1", "job_type": "New Site", "status": "Running", "start": "2026-11-22", "steps": [
          {"step_name": "New Site", "status": "Success", "output": "hunter2"}, {"step_name": "Install Apps", "status": "Running", "output": "hunter2"}, {"step_name": "Reload", "status": "Pending"}]}}'),
          '{"data": [{"id": "j1", "key": "j1", "title": "New Site", "status": "Running", "has_begun": true, "step_count": 3, "steps_done": 1, "step": "Install Apps"}]}', 'a job that runs');
SELECT is(provision.press_digest('{"message": {"name": "j1", "job_type": "New Site", "status": "Failure", "start": null, "steps": [
          {"step_name": "New Site", "status": "Failure", "output": "one\ntwo\nbench --mariadb-root-password hunter2 failed\n"}, {"step_name": "Reload", "status": "Skipped"}]}}') #>> '{data,0,reason}',
          'one two bench --mariadb-root-password [redacted] failed (step "New Site")', 'why one failed, without secrets');
SELECT is(provision.press_digest('{"message": {"name": "j1", "job_type": "x", "status": "Undelivered", "steps": []}}') #>> '{data,0,status}', 'Pending', 'one that waits to be delivered');
SELECT is(provision.press_digest('{"message": {"name": "j1", "job_type": "x", "status": "Delivery Failure", "steps": []}}') #> '{data,0}',
          '{"id": "j1", "key": "j1", "title": "x", "status": "Failure", "reason": "delivery failure"}', 'one that never was');
SELECT is(provision.press_digest('{"message": [{"name": "j2", "job_type": "x", "status": "Success"}, {"name": "j1", "job_type": "y", "status": "Pending"}, "garbage"]}') #>> '{data,1,title}', 'y', 'a list of jobs, in its order');
SELECT is(provision.press_digest('{"message": {"name": "acme.frappe.cloud", "host_name": "acme.frappe.cloud", "status": "Installing", "team": "t1", "ip": "10.0.0.1", "info": {"owner": "x"}}}'),
          '{"data": [{"id": "acme.frappe.cloud", "key": "acme.frappe.cloud", "title": "Site", "status": "Running", "site_status": "Installing", "team": "t1"}]}', 'a site in a passing state is at work');
SELECT is(provision.press_digest('{"message": {"name": "a", "host_name": "a", "status": "Archived", "team": "t1"}}'), '{"data": []}', 'an archived one is none');
SELECT is(provision.press_digest('{"message": [{"name": "b1", "with_files": 1, "status": "Success", "database_file": "f", "database_size": "5", "database_url": "u",
          "config_file": "c", "config_file_size": "7", "config_file_url": "v", "public_file": null, "remote_database_file": "r"}]}') #> '{data,0,backups}',
          '{"database": {"file": "f", "size": 5, "url": "u"}, "site_config": {"file": "c", "size": 7, "url": "v"}}', 'the files of a backup, sizes as numbers');
SELECT is(provision.press_digest('{"message": {"doctype": "Site Group Deploy", "name": "d", "status": "Bench Deploy Failed"}}') #> '{data,0}',
          '{"id": "d", "key": "d", "title": "Site Group Deploy", "status": "Failure", "steps_done": 0, "reason": "Bench Deploy Failed"}', 'a bench that could not be made');
SELECT is(provision.press_digest('{"message": {"site": "acme.frappe.cloud", "job": "j1", "sid": "hunter2"}}'), '{"message": {"job": "j1", "site": "acme.frappe.cloud"}}', 'of the rest only names');
SELECT is(provision.press_digest('{"message": true}'), '{"message": true}', 'a truth stays');
SELECT is(provision.press_digest('[7]'), '[7]', 'what is no object stays');
SELECT * FROM finish();
ROLLBACK;
