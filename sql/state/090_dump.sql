-- What a dump carries: engines, tenants and their members, secrets, own workflows, jobs and their history.

SELECT pg_catalog.pg_extension_config_dump('provision.engine', '');
SELECT pg_catalog.pg_extension_config_dump('provision.engine_engine_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('provision.engine_state', '');
SELECT pg_catalog.pg_extension_config_dump('provision.engine_gauge', '');
SELECT pg_catalog.pg_extension_config_dump('provision.tenant', '');
SELECT pg_catalog.pg_extension_config_dump('provision.tenant_tenant_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('provision.member', '');
SELECT pg_catalog.pg_extension_config_dump('provision.secret', '');
SELECT pg_catalog.pg_extension_config_dump('provision.secret_secret_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('provision.workflow', 'WHERE NOT is_builtin');
SELECT pg_catalog.pg_extension_config_dump('provision.workflow_workflow_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('provision.step', 'WHERE workflow_id IN (SELECT workflow_id FROM provision.workflow WHERE NOT is_builtin)');
SELECT pg_catalog.pg_extension_config_dump('provision.answer_rule', 'WHERE NOT is_builtin');
SELECT pg_catalog.pg_extension_config_dump('provision.job', '');
SELECT pg_catalog.pg_extension_config_dump('provision.job_job_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('provision.claim_number', '');
SELECT pg_catalog.pg_extension_config_dump('provision.job_step', '');
SELECT pg_catalog.pg_extension_config_dump('provision.exclusion', '');
SELECT pg_catalog.pg_extension_config_dump('provision.key_wait', '');
SELECT pg_catalog.pg_extension_config_dump('provision.attempt', '');
SELECT pg_catalog.pg_extension_config_dump('provision.attempt_attempt_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('provision.creation', '');
SELECT pg_catalog.pg_extension_config_dump('provision.creation_creation_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('provision.event', '');
SELECT pg_catalog.pg_extension_config_dump('provision.event_event_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('provision.worker', '');
SELECT pg_catalog.pg_extension_config_dump('provision.worker_incarnation_seq', '');

