-- What of an answer of Frappe Cloud is kept, in the form in which jobs of Frappe Agent are: what it tells of jobs, sites and backups beyond that
-- (the output of commands, owners, addresses) is never stored.

CREATE OR REPLACE FUNCTION provision.press_job_status(status text)
    RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE status WHEN 'Undelivered' THEN 'Pending' WHEN 'Delivery Failure' THEN 'Failure' ELSE status END;
COMMENT ON FUNCTION provision.press_job_status(text) IS 'The status of a job of Press as Frappe Agent would call it.';

CREATE OR REPLACE FUNCTION provision.press_job_digest(job jsonb)
    RETURNS jsonb
    LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
    SELECT jsonb_strip_nulls(jsonb_build_object(
               'id', left(job ->> 'name', 140),
               'key', left(job ->> 'name', 140),
               'title', left(job ->> 'job_type', 100),
               'status', provision.press_job_status(job ->> 'status'),
               'has_begun', job -> 'start' <> 'null',
               'step_count', nullif(jsonb_array_length(listed.steps), 0),
               'steps_done', (SELECT nullif(count(*), 0) FROM jsonb_array_elements(listed.steps) AS done (state) WHERE done.state ->> 'status' IN ('Success', 'Skipped')),
               'step', left(stood.step ->> 'step_name', 100),
               'reason', CASE WHEN provision.press_job_status(job ->> 'status') = 'Failure'
                              THEN coalesce(provision.last_words(stood.step ->> 'output'), lower(job ->> 'status'))
                                   || coalesce(' (step "' || left(stood.step ->> 'step_name', 100) || '")', '') END))
      FROM (SELECT CASE jsonb_typeof(job -> 'steps') WHEN 'array' THEN job -> 'steps' ELSE '[]' END AS steps) AS listed
     CROSS JOIN LATERAL (SELECT (SELECT step FROM jsonb_array_elements(listed.steps) WITH ORDINALITY AS list (step, place)
                                  WHERE step ->> 'status' NOT IN ('Success', 'Skipped')
                                    AND provision.press_job_status(job ->> 'status') <> 'Success'
                                  ORDER BY step ->> 'status' = 'Failure' DESC, place
                                  LIMIT 1) AS step) AS stood;
END;
COMMENT ON FUNCTION provision.press_job_digest(jsonb) IS 'What is kept of a job of Press: how far it is, and why it failed.';

-- An archived site is none any more: its document gets another name.
CREATE OR REPLACE FUNCTION provision.press_site_digest(site jsonb)
    RETURNS jsonb
    LANGUAGE sql IMMUTABLE
    RETURN CASE WHEN site ->> 'status' = 'Archived' THEN '[]' ELSE jsonb_build_array(jsonb_build_object(
               'id', left(site ->> 'name', 253),
               'key', left(site ->> 'name', 253),
               'title', 'Site',
               'status', CASE WHEN site ->> 'status' IN ('Pending', 'Installing', 'Updating', 'Recovering') THEN 'Running' ELSE 'Success' END,
               'site_status', left(site ->> 'status', 100),
               'team', left(site ->> 'team', 140))) END;
COMMENT ON FUNCTION provision.press_site_digest(jsonb) IS 'What is kept of a site: its state, as that of a job which ends when the state is no passing one, and whose it is.';

CREATE OR REPLACE FUNCTION provision.press_deploy_digest(deploy jsonb)
    RETURNS jsonb
    LANGUAGE sql IMMUTABLE
    RETURN jsonb_build_object(
               'id', left(deploy ->> 'name', 140),
               'key', left(deploy ->> 'name', 140),
               'title', 'Site Group Deploy',
               'status', CASE WHEN deploy ->> 'status' LIKE '%Failed' THEN 'Failure' WHEN deploy ->> 'status' = 'Site Created' THEN 'Success'
                              WHEN deploy ->> 'status' = 'Pending' THEN 'Pending' ELSE 'Running' END,
               'steps_done', CASE deploy ->> 'status' WHEN 'Bench Deployed' THEN 1 WHEN 'Creating Site' THEN 2 WHEN 'Site Created' THEN 3 ELSE 0 END,
               'reason', left(deploy ->> 'status', 100)) || jsonb_strip_nulls(jsonb_build_object('group', left(deploy ->> 'group_title', 140)));
COMMENT ON FUNCTION provision.press_deploy_digest(jsonb) IS 'What is kept of a Site Group Deploy, by which a bench is made for one site: how far it is.';

CREATE OR REPLACE FUNCTION provision.press_backup_digest(backup jsonb)
    RETURNS jsonb
    LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
    SELECT jsonb_build_object('id', left(backup ->> 'name', 140), 'title', 'Backup', 'status', left(backup ->> 'status', 100),
               'backups', (SELECT jsonb_object_agg(file.kind, jsonb_strip_nulls(jsonb_build_object(
                                      'file', left(backup ->> (file.field || '_file'), 300),
                                      'size', CASE WHEN told.size ~ '^[0-9]{1,18}$' THEN told.size::bigint END,
                                      'url', left(coalesce(backup ->> (file.field || '_url'), backup ->> (file.field || '_file_url')), 1000))))
                             FROM (VALUES ('database', 'database'), ('site_config', 'config'), ('public', 'public'), ('private', 'private')) AS file (kind, field)
                            CROSS JOIN LATERAL (SELECT coalesce(backup ->> (file.field || '_size'), backup ->> (file.field || '_file_size')) AS size) AS told
                            WHERE backup ->> (file.field || '_file') <> ''));
END;
COMMENT ON FUNCTION provision.press_backup_digest(jsonb) IS 'What is kept of a Site Backup: its state and its files, as of Frappe Agent''s: {"database": {"file", "size", "url"}, ...}, sizes in bytes.';

CREATE OR REPLACE FUNCTION provision.press_rows(message jsonb)
    RETURNS jsonb
    LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
    SELECT coalesce(jsonb_agg(CASE WHEN told ? 'job_type' THEN provision.press_job_digest(told)
                                   WHEN told ? 'with_files' THEN provision.press_backup_digest(told)
                                   ELSE provision.press_deploy_digest(told) END ORDER BY place), '[]')
      FROM jsonb_array_elements(message) WITH ORDINALITY AS list (told, place)
     WHERE jsonb_typeof(told) = 'object'
       AND place <= 100;
END;
COMMENT ON FUNCTION provision.press_rows(jsonb) IS 'What is kept of a list of jobs, backups or Site Group Deploys.';

CREATE OR REPLACE FUNCTION provision.press_digest(body jsonb)
    RETURNS jsonb
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    message constant jsonb := body -> 'message';
BEGIN
    IF jsonb_typeof(body) IS DISTINCT FROM 'object' THEN
        RETURN body;
    ELSIF body ? 'exc_type' THEN
        RETURN jsonb_build_object('exc_type', left(body ->> 'exc_type', 200),
                                  'exception', left(body ->> 'exc_type', 200) || ': ' || coalesce(provision.redact_text(provision.frappe_message(body - 'exc_type')), 'no message'));
    ELSIF jsonb_typeof(message) = 'array' THEN
        RETURN jsonb_build_object('data', provision.press_rows(message));
    ELSIF jsonb_typeof(message) IS DISTINCT FROM 'object' THEN
        RETURN provision.redact(body);
    ELSIF message ? 'job_type' THEN
        RETURN jsonb_build_object('data', jsonb_build_array(provision.press_job_digest(message)));
    ELSIF message ->> 'doctype' = 'Site Group Deploy' THEN
        RETURN jsonb_build_object('data', jsonb_build_array(provision.press_deploy_digest(message)));
    ELSIF message ?& '{name,status,team,host_name}' THEN
        RETURN jsonb_build_object('data', provision.press_site_digest(message));
    END IF;
    RETURN jsonb_build_object('message', jsonb_strip_nulls(jsonb_build_object('name', left(message ->> 'name', 253), 'site', left(message ->> 'site', 253),
                                                                              'job', left(message ->> 'job', 140), 'site_group_deploy', left(message ->> 'site_group_deploy', 140))));
END;
$$;
COMMENT ON FUNCTION provision.press_digest(jsonb)
    IS 'An answer of Frappe Cloud: jobs, sites and backups shortened under "data", an error as "exc_type" and "exception", of the rest names under "message".';

-- The one place that knows how the answers of each kind of engine are read before anything else sees them.
CREATE OR REPLACE FUNCTION provision.digest(kind text, body jsonb)
    RETURNS jsonb
    LANGUAGE sql STABLE
    RETURN CASE kind WHEN 'frappe_agent' THEN provision.agent_digest(body) WHEN 'frappe_cloud' THEN provision.press_digest(body) ELSE body END;
COMMENT ON FUNCTION provision.digest(text, jsonb) IS 'What is kept of an answer of an engine of this kind.';
