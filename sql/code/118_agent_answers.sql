-- What of an answer of Frappe Agent is kept: it tells everything about its jobs, the passwords they were given included. What is read here is
-- all that anything behind it ever sees; it has the form of Frappe's answers, so that the same rules and helpers read both.

CREATE OR REPLACE FUNCTION provision.agent_exception(lines jsonb)
    RETURNS text
    LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
    SELECT left(btrim(line), 500)
      FROM jsonb_array_elements_text(lines) WITH ORDINALITY AS traceback (line, place)
     WHERE line ~ '^([a-z_][A-Za-z0-9_]*\.)*[A-Z][A-Za-z0-9_]*(:|\s*$)'
       AND line !~ '^(SQL|Params|Traceback)'
     ORDER BY place DESC
     LIMIT 1;
END;
COMMENT ON FUNCTION provision.agent_exception(jsonb) IS 'The last line of a traceback that names an exception, such as "KeyError: ''config''".';

CREATE OR REPLACE FUNCTION provision.exception_class(exception text)
    RETURNS text
    LANGUAGE sql IMMUTABLE
    RETURN substring(exception FROM '^(?:[a-z_][A-Za-z0-9_]*\.)*([A-Z][A-Za-z0-9_]*)');
COMMENT ON FUNCTION provision.exception_class(text) IS 'The class in a line that names an exception, without its module.';

-- The end of what a command printed says why it failed.
CREATE OR REPLACE FUNCTION provision.last_words(output text)
    RETURNS text
    LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
    SELECT right(provision.redact_text(nullif(string_agg(btrim(line), ' ' ORDER BY place), '')), 500)
      FROM (SELECT line, place
              FROM regexp_split_to_table(right(output, 4000), '[\r\n]+') WITH ORDINALITY AS printed (line, place)
             WHERE btrim(line) <> ''
             ORDER BY place DESC
             LIMIT 3) AS last;
END;
COMMENT ON FUNCTION provision.last_words(text) IS 'The last three lines of an output in one, without secrets, at most 500 characters; null when it has none.';

CREATE OR REPLACE FUNCTION provision.last_step(steps jsonb)
    RETURNS jsonb
    LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
    SELECT step
      FROM jsonb_array_elements(CASE jsonb_typeof(steps) WHEN 'array' THEN steps ELSE '[]' END) WITH ORDINALITY AS list (step, place)
     WHERE step ->> 'status' <> 'Success'
     ORDER BY step ->> 'status' = 'Failure' DESC, place
     LIMIT 1;
END;
COMMENT ON FUNCTION provision.last_step(jsonb) IS 'The step at which a job of Agent failed or stands; null when all have succeeded.';

CREATE OR REPLACE FUNCTION provision.agent_failure(job jsonb, step jsonb)
    RETURNS text
    LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
    SELECT coalesce(provision.last_words(job #>> '{data,output}'), provision.last_words(step #>> '{data,output}'),
                    provision.last_words(job #>> '{data,traceback}'), provision.last_words(step #>> '{data,traceback}'),
                    provision.last_words(step #>> '{commands,0,output}'), 'its process was ended')
           || coalesce(' (step "' || left(step ->> 'name', 100) || '")', '');
END;
COMMENT ON FUNCTION provision.agent_failure(jsonb, jsonb) IS 'Why a job of Agent failed, from where it tells it best.';

CREATE OR REPLACE FUNCTION provision.backup_files(backups jsonb)
    RETURNS jsonb
    LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
    SELECT jsonb_object_agg(kind, jsonb_strip_nulls(jsonb_build_object('file', left(file ->> 'file', 300), 'size', file -> 'size', 'url', left(file ->> 'url', 1000))))
      FROM jsonb_each(CASE jsonb_typeof(backups) WHEN 'object' THEN backups ELSE '{}' END) AS made (kind, file)
     WHERE kind IN ('database', 'site_config', 'public', 'private')
       AND jsonb_typeof(file) = 'object';
END;
COMMENT ON FUNCTION provision.backup_files(jsonb) IS 'The files of a backup: {"database": {"file", "size", "url"}, ...}, sizes in bytes.';

-- The arguments, and what else stands in "data" until a job has succeeded, are never kept.
CREATE OR REPLACE FUNCTION provision.agent_job_digest(job jsonb)
    RETURNS jsonb
    LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
    SELECT jsonb_strip_nulls(jsonb_build_object(
               'id', job -> 'id',
               'key', left(job ->> 'agent_job_id', 200),
               'title', left(job ->> 'name', 100),
               'status', job -> 'status',
               'has_begun', job -> 'start' <> 'null',
               'step_count', jsonb_array_length(listed.steps),
               'steps_done', (SELECT count(*) FROM jsonb_array_elements(listed.steps) AS done (state) WHERE done.state ->> 'status' = 'Success'),
               'step', left(CASE WHEN job ->> 'status' <> 'Success' THEN stood.step ->> 'name' END, 100),
               'reason', CASE job ->> 'status' WHEN 'Failure' THEN provision.agent_failure(job, stood.step) END,
               'site_existed', CASE WHEN job ->> 'status' = 'Failure' AND stood.step ->> 'name' = 'New Site'
                                    THEN right(job #>> '{data,output}', 4000) ~ 'Site [^ ]+ already exists' END,
               'backups', CASE job ->> 'status' WHEN 'Success' THEN provision.backup_files(job #> '{data,backups}') END))
      FROM (SELECT CASE jsonb_typeof(job -> 'steps') WHEN 'array' THEN job -> 'steps' ELSE '[]' END AS steps) AS listed
     CROSS JOIN LATERAL (SELECT provision.last_step(listed.steps) AS step) AS stood;
END;
COMMENT ON FUNCTION provision.agent_job_digest(jsonb) IS 'What is kept of a job of Agent: how far it is, why it failed, the files of a backup.';

CREATE OR REPLACE FUNCTION provision.agent_digest(body jsonb)
    RETURNS jsonb
    LANGUAGE plpgsql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    exception text;
BEGIN
    IF jsonb_typeof(body) = 'array' THEN
        RETURN jsonb_build_object('data', (SELECT coalesce(jsonb_agg(provision.agent_job_digest(job) ORDER BY place), '[]')
                                             FROM jsonb_array_elements(body) WITH ORDINALITY AS listed (job, place)
                                            WHERE jsonb_typeof(job) = 'object' AND place <= 200));
    ELSIF jsonb_typeof(body) IS DISTINCT FROM 'object' THEN
        RETURN body;
    ELSIF jsonb_typeof(body -> 'error') = 'array' THEN
        exception := provision.agent_exception(body -> 'error');
    ELSIF body ? 'traceback' THEN
        exception := provision.agent_exception(to_jsonb(regexp_split_to_array(right(body ->> 'traceback', 4000), '\n')));
    ELSIF body ?& '{id,status,steps}' THEN
        RETURN jsonb_build_object('data', jsonb_build_array(provision.agent_job_digest(body)));
    ELSE
        RETURN provision.redact(body);
    END IF;
    exception := coalesce(provision.redact_text(exception), 'an error without a name');
    RETURN jsonb_strip_nulls(jsonb_build_object('exception', exception, 'exc_type', provision.exception_class(exception)));
END;
$$;
COMMENT ON FUNCTION provision.agent_digest(jsonb)
    IS 'An answer of Frappe Agent in the form of Frappe''s: jobs shortened under "data", an error as "exc_type" and "exception"; the rest redacted.';
