-- Every entry speaks in whole sentences with placeholders that exist, and the engine's own codes are explained.
BEGIN;
SELECT plan(4);
SELECT is_empty($$SELECT error_code FROM provision.failure, regexp_matches(message || hint, '\{([a-z_]+)\}', 'g') AS placeholder
                   WHERE placeholder[1] NOT IN ('job', 'tenant', 'engine', 'step', 'call', 'status', 'detail')$$, 'known placeholders only');
SELECT is_empty($$SELECT error_code FROM provision.failure WHERE message !~ '([.]|\{detail\})$' OR hint !~ '([.]|\{detail\})$'$$, 'sentences end');
SELECT is_empty($$SELECT error_code FROM provision.failure WHERE message ~ '[\n]' OR hint ~ '[\n]' OR length(message) > 140$$, 'messages are short');
SELECT is_empty($$SELECT code FROM unnest(ARRAY['PLAN_FAILED', 'PLAN_STUCK', 'FACT_MISSING', 'UNKNOWN_OUTCOME', 'QUARANTINED', 'STEP_BLOCKED', 'CANCELLED',
                                               'WORKER_LOST', 'INTERRUPTED']) AS code
                   WHERE code NOT IN (SELECT error_code FROM provision.failure)$$, 'the engine''s own codes are there');
SELECT * FROM finish();
ROLLBACK;
