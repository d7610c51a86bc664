-- The undo of documents, asked with one thing known after the other: what is planned, what is proven, what is given up.
BEGIN;
SELECT plan(17);
CREATE FUNCTION pg_temp.made(kind text, name text, creates jsonb DEFAULT '{}', known_before jsonb DEFAULT '[]') RETURNS jsonb LANGUAGE sql AS $$
    SELECT jsonb_build_object('creation_id', 7, 'call', 'create it', 'kind', kind, 'name', name, 'creates', '{"name": "$.*.name"}'::jsonb || creates,
                              'look', '{"method": "GET", "path": "/api/resource/x", "body": null}'::jsonb, 'known_before', known_before);
$$;
CREATE FUNCTION pg_temp.context(created jsonb, answers jsonb DEFAULT '{}', more jsonb DEFAULT '{}') RETURNS jsonb LANGUAGE sql AS $$
    SELECT jsonb_build_object('job_id', 1, 'created', jsonb_build_array(created), 'made', '["Company"]'::jsonb, 'site_is_shared', false,
               'answers', (SELECT coalesce(jsonb_object_agg(key, jsonb_build_object('verdict', CASE WHEN value ? 'exc_type' THEN 'refused' ELSE 'success' END,
                                                                                    'status', 200, 'body', value)), '{}') FROM jsonb_each(answers))) || more;
$$;
CREATE FUNCTION pg_temp.plan_of(job jsonb) RETURNS text LANGUAGE sql AS $$
    SELECT coalesce(string_agg(concat_ws(' ', method, name, CASE WHEN wanted THEN 'yes' WHEN NOT wanted THEN 'no' ELSE '?' END, CASE WHEN refusable THEN 'refusable' END), E'\n'), '')
      FROM provision.plan_undo_documents(job);
$$;
SELECT is(pg_temp.plan_of(pg_temp.context(pg_temp.made('Note', 'A'))),
    E'GET look for Note of "create it" yes\nPUT cancel Note A ? refusable\nDELETE remove Note A ? refusable\nGET verify that Note of "create it" is gone ?', 'nothing is known yet');
SELECT is(pg_temp.plan_of(pg_temp.context(pg_temp.made('Note', 'A'), '{"look for Note of \"create it\"": {"data": [{"name": "a", "docstatus": 1}]}}')),
    E'GET look for Note of "create it" yes\nPUT cancel Note A yes refusable\nDELETE remove Note A yes refusable\nGET verify that Note of "create it" is gone yes', 'a submitted one is cancelled first');
SELECT is(pg_temp.plan_of(pg_temp.context(pg_temp.made('Note', 'A'), '{"look for Note of \"create it\"": {"data": []}}')),
    E'GET look for Note of "create it" yes\nPUT cancel Note A no refusable\nDELETE remove Note A no refusable\nGET verify that Note of "create it" is gone no', 'one that is gone is left alone');
SELECT is((SELECT is_gone FROM provision.undo_results(pg_temp.context(pg_temp.made('Note', 'A'), '{"look for Note of \"create it\"": {"data": []}}'))), true, 'and proven gone');
SELECT is((SELECT is_gone FROM provision.undo_results(pg_temp.context(pg_temp.made('Note', 'A')))), NULL, 'before anything is answered nothing is proven');
\set refused '{"look for Note of \\"create it\\"": {"data": [{"name": "A"}]}, "remove Note A": {"exc_type": "LinkExistsError", "_server_messages": "[\\"{\\\\\\"message\\\\\\": \\\\\\"linked with B\\\\\\"}\\"]"}, "verify that Note of \\"create it\\" is gone": {"data": [{"name": "A"}]}}'
SELECT throws_ok(format('SELECT * FROM provision.plan_undo_documents(pg_temp.context(pg_temp.made(%L, %L), %L))', 'Note', 'A', :'refused'), 'PV200', 'ROLLBACK_INCOMPLETE', 'what is refused is given up');
SELECT is((SELECT reason FROM provision.undo_results(pg_temp.context(pg_temp.made('Note', 'A'), :'refused'))), 'linked with B', 'with the reason of the server');
SELECT lives_ok(format('SELECT * FROM provision.plan_undo_documents(pg_temp.context(pg_temp.made(%L, %L, %L), %L))', 'Note', 'A', '{"scope": "site"}', :'refused'), 'but what belongs to the site may stay');
SELECT is(pg_temp.plan_of(pg_temp.context(pg_temp.made('Note', 'A', '{"scope": "site"}'), more => '{"site_is_shared": true}')), '', 'what others share is not touched');
SELECT is(pg_temp.plan_of(pg_temp.context(pg_temp.made('Note', 'A', '{"goes_with": "Company"}'))), '', 'nor what goes with another');
SELECT isnt(pg_temp.plan_of(pg_temp.context(pg_temp.made('Note', 'A', '{"goes_with": "Company"}'), more => '{"made": []}')), '', 'unless the job did not make that');
SELECT is(pg_temp.plan_of(pg_temp.context(pg_temp.made('Note', 'A', '{"stays": "for ever"}'))), '', 'nor what cannot be undone');
SELECT is(pg_temp.plan_of(pg_temp.context(pg_temp.made('Note', NULL))), 'GET find what "create it" made, 7 yes', 'an unknown outcome is looked into first');
SELECT alike(pg_temp.plan_of(pg_temp.context(pg_temp.made('Note', NULL, known_before => '["A"]'), '{"find what \"create it\" made, 7": {"data": [{"name": "A"}, {"name": "B"}]}}')),
    '%remove Note B ?%', 'what it found is removed');
SELECT unalike(pg_temp.plan_of(pg_temp.context(pg_temp.made('Note', NULL, known_before => '["A"]'), '{"find what \"create it\" made, 7": {"data": [{"name": "A"}, {"name": "B"}]}}')),
    '%Note A%', 'but not what was there before');
SELECT is(provision.names_in('{"message": ["A", "B", 3, {"name": "C"}]}', '$.message[*]'), '{A,B,3}', 'names of a batch');
SELECT is(provision.names_in('{"message": ["A"]}', 'no path ['), '{}', 'a wrong path finds nothing');
SELECT * FROM finish();
ROLLBACK;
