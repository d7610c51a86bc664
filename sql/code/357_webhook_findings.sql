-- What is to be said of webhooks.

CREATE OR REPLACE FUNCTION provision.webhook_owner_in_words(webhook provision.webhook)
    RETURNS text
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT coalesce((SELECT format('tenant "%s"', tenant.name) FROM provision.tenant WHERE tenant.tenant_id = webhook.tenant_id), 'platform');
END;
COMMENT ON FUNCTION provision.webhook_owner_in_words(provision.webhook) IS 'Whose webhook it is.';

CREATE OR REPLACE FUNCTION provision.find_webhooks()
    RETURNS SETOF provision.finding
    LANGUAGE sql STABLE
BEGIN ATOMIC
    (SELECT 'webhooks', 'warning', 'webhook disabled',
            format('Webhook %s (%s) is disabled since %s. %s', webhook.webhook_id, provision.webhook_owner_in_words(webhook), webhook.disabled_at, webhook.disabled_reason),
            format('When the receiver is well again: SELECT provision_webhook_resume(%s); or SELECT provision_webhook_drop(%s);', webhook.webhook_id, webhook.webhook_id)
       FROM provision.webhook
      WHERE webhook.disabled_at IS NOT NULL
      ORDER BY webhook.webhook_id
      LIMIT 20)
    UNION ALL
    (SELECT 'webhooks', 'warning', 'webhook fails',
            format('No delivery to webhook %s (%s) has succeeded since %s; it is disabled after %s.', webhook.webhook_id, provision.webhook_owner_in_words(webhook),
                   webhook.failing_since, make_interval(secs => webhook.disable_after_seconds)),
            format('SELECT last_error, http_status FROM provision.webhook_log WHERE webhook_id = %s AND last_error IS NOT NULL ORDER BY sent_at DESC LIMIT 5;', webhook.webhook_id)
       FROM provision.webhook
      WHERE webhook.failing_since <= statement_timestamp() - interval '1 hour'
        AND webhook.disabled_at IS NULL
      ORDER BY webhook.webhook_id
      LIMIT 20)
    UNION ALL
    (SELECT 'webhooks', 'warning', 'webhook waits for a key',
            format('The messages of webhook %s (%s) cannot be signed. %s', webhook.webhook_id, provision.webhook_owner_in_words(webhook), webhook.key_problem),
            format('Bring the key back to the key file, or, when it is lost: SELECT provision_webhook_rotate(%s);', webhook.webhook_id)
       FROM provision.webhook
      WHERE webhook.key_problem IS NOT NULL
      ORDER BY webhook.webhook_id
      LIMIT 20);
END;
COMMENT ON FUNCTION provision.find_webhooks() IS 'Webhooks that are disabled, have failed for an hour, or cannot be signed.';
