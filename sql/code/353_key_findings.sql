-- What is to be said of the key of the secrets.

CREATE OR REPLACE FUNCTION provision.find_key()
    RETURNS SETOF provision.finding
    LANGUAGE sql STABLE
BEGIN ATOMIC
    WITH report AS MATERIALIZED (
        SELECT report.key_ids, report.problem
          FROM provision.key_report() AS report
         WHERE EXISTS (SELECT FROM provision.secret)
    ), missing AS (
        SELECT string_agg(DISTINCT format('"%s"', secret.key_id), ', ') AS key_ids, count(*) AS secrets
          FROM report
          JOIN provision.secret ON report.problem IS NOT NULL OR NOT secret.key_id = ANY (report.key_ids)
    ), waiting AS (
        SELECT count(*) AS jobs, min(key_wait.reason) AS reason
          FROM (SELECT key_wait.*
                  FROM provision.key_wait
                  JOIN provision.job ON job.job_id = key_wait.job_id
                 WHERE job.state = 'scheduled'
                 LIMIT 1000) AS key_wait
    )
    SELECT 'key', 'warning', 'key missing',
           concat_ws(' ', format('%s sealed with key %s, which is missing.', provision.count_in_words(missing.secrets, 'secret is', 'secrets are', 1000000), missing.key_ids),
                     report.problem),
           provision.key_fix()
      FROM report, missing
     WHERE missing.secrets > 0
    UNION ALL
    SELECT 'key', 'warning', 'jobs wait for a key',
           format('%s because credentials cannot be opened. %s', provision.count_in_words(waiting.jobs, 'job waits', 'jobs wait', 1000), waiting.reason), provision.key_fix()
      FROM missing, waiting
     WHERE missing.secrets = 0
       AND waiting.jobs > 0;
END;
COMMENT ON FUNCTION provision.find_key() IS 'Secrets that cannot be opened.';

CREATE OR REPLACE FUNCTION provision.find_key_beside_data()
    RETURNS SETOF provision.finding
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT 'key', 'info', 'key lies beside the data',
           'The key file is in the data directory: a base backup holds the sealed secrets and their key, and a dump is worth nothing without a copy of that file.',
           'Keep the key in a file elsewhere, set provision.key_file to it and reload the configuration.'
      FROM provision.key_report() AS report
     WHERE report.lies_with_data
       AND report.key_ids IS NOT NULL
       AND EXISTS (SELECT FROM provision.secret);
END;
COMMENT ON FUNCTION provision.find_key_beside_data() IS 'The key file that was made because none was named is in use.';
