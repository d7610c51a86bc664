-- Views on webhooks. A URL can hold what only its owners are to know: others see its host.

CREATE OR REPLACE VIEW provision.webhook_status WITH (security_barrier) AS
    SELECT webhook.webhook_id,
           tenant.name AS tenant,
           CASE WHEN (SELECT provision.acts_on_everything()) OR webhook.tenant_id = ANY ((SELECT provision.acted_on_tenants())::bigint[]) THEN webhook.url
                ELSE substring(webhook.url FROM '^[^:]+://[^/?]*') || '/...' END AS url,
           webhook.events,
           CASE WHEN webhook.disabled_at IS NOT NULL THEN 'disabled'
                WHEN webhook.paused_at IS NOT NULL THEN 'paused'
                WHEN webhook.key_problem IS NOT NULL THEN 'waits for key'
                WHEN webhook.failing_since IS NOT NULL THEN 'failing'
                ELSE 'active' END AS state,
           coalesce(webhook.disabled_reason, webhook.paused_reason, webhook.key_problem) AS reason,
           coalesce(webhook.disabled_at, webhook.paused_at, webhook.failing_since) AS since,
           webhook.failures_in_a_row,
           (SELECT count(*) FROM provision.webhook_delivery AS waiting WHERE waiting.webhook_id = webhook.webhook_id AND waiting.state = 'waiting') AS waiting,
           (SELECT count(*) FROM provision.webhook_delivery AS sending WHERE sending.webhook_id = webhook.webhook_id AND sending.state = 'sending') AS in_flight,
           (SELECT count(*) FROM provision.webhook_delivery AS dead WHERE dead.webhook_id = webhook.webhook_id AND dead.state = 'dead') AS dead,
           webhook.dropped_count AS dropped,
           webhook.not_before,
           webhook.max_in_flight,
           webhook.max_waiting,
           webhook.timeout_ms,
           webhook.retry_seconds,
           webhook.disable_after_seconds,
           CASE WHEN webhook.former_until > statement_timestamp() THEN webhook.former_until END AS former_secret_until,
           webhook.created_at,
           webhook.created_by
      FROM provision.webhook
      LEFT JOIN provision.tenant ON tenant.tenant_id = webhook.tenant_id
     WHERE (SELECT provision.sees_everything()) OR webhook.tenant_id = ANY ((SELECT provision.visible_tenants())::bigint[]);
COMMENT ON VIEW provision.webhook_status IS 'Who is told of events, and does it arrive?';
COMMENT ON COLUMN provision.webhook_status.tenant IS 'Null: it is told of all tenants and of the engines.';
COMMENT ON COLUMN provision.webhook_status.url IS 'Whole for those who may change it, otherwise without its path.';
COMMENT ON COLUMN provision.webhook_status.state IS 'active; failing: the last delivery failed; waits for key; paused; disabled: it failed for too long, or the receiver answered 410. The last two until provision_webhook_resume().';
COMMENT ON COLUMN provision.webhook_status.since IS 'When it was disabled or paused, or began to fail.';
COMMENT ON COLUMN provision.webhook_status.dead IS 'Deliveries that were given up; provision_webhook_redeliver() sends them again.';
COMMENT ON COLUMN provision.webhook_status.dropped IS 'Deliveries that max_waiting had no room for, since it was made.';
COMMENT ON COLUMN provision.webhook_status.former_secret_until IS 'So long the secret before the last rotation signs too; null: it does not.';

CREATE OR REPLACE VIEW provision.webhook_log WITH (security_barrier) AS
    SELECT delivery.delivery_id,
           delivery.webhook_id,
           tenant.name AS tenant,
           delivery.type,
           delivery.job_id,
           delivery.event_id,
           'msg_' || replace(delivery.message::text, '-', '') AS message_id,
           delivery.state,
           delivery.attempt_count,
           delivery.next_at,
           delivery.sent_at,
           delivery.http_status,
           CASE WHEN (SELECT provision.acts_on_everything()) OR webhook.tenant_id = ANY ((SELECT provision.acted_on_tenants())::bigint[])
                THEN delivery.last_error ELSE regexp_replace(delivery.last_error, ',? ?Location: .*$', '') END AS last_error,
           CASE WHEN (SELECT provision.acts_on_everything()) OR webhook.tenant_id = ANY ((SELECT provision.acted_on_tenants())::bigint[])
                THEN delivery.response_excerpt END AS response_excerpt,
           delivery.created_at,
           delivery.finished_at
      FROM provision.webhook_delivery AS delivery
      JOIN provision.webhook ON webhook.webhook_id = delivery.webhook_id
      LEFT JOIN provision.tenant ON tenant.tenant_id = webhook.tenant_id
     WHERE (SELECT provision.sees_everything()) OR webhook.tenant_id = ANY ((SELECT provision.visible_tenants())::bigint[]);
COMMENT ON VIEW provision.webhook_log IS 'What was told to whom, and what is still to be told? One row for each event and webhook, kept for provision.retention.';
COMMENT ON COLUMN provision.webhook_log.message_id IS 'The header webhook-id.';
COMMENT ON COLUMN provision.webhook_log.state IS 'waiting; sending; delivered: answered with 2xx; dead: given up after its last try.';
COMMENT ON COLUMN provision.webhook_log.next_at IS 'When it is tried, if its webhook is active by then. Null while it waits: an earlier one of the same job comes first.';
COMMENT ON COLUMN provision.webhook_log.last_error IS 'Why the last try failed, in one line.';
COMMENT ON COLUMN provision.webhook_log.response_excerpt IS 'The first 200 characters of the last answer, redacted; for those who may change the webhook.';
