-- Webhooks: who wants to be told what, and what is to be told. A delivery is written with the event that it tells of, in the same transaction.

CREATE TABLE provision.webhook (
    webhook_id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant_id        bigint REFERENCES provision.tenant ON DELETE CASCADE,
    url              text NOT NULL,
    events           text[],
    max_in_flight    integer NOT NULL,
    max_waiting      integer NOT NULL,
    timeout_ms       integer NOT NULL,
    retry_seconds    double precision[] NOT NULL,
    disable_after_seconds integer NOT NULL,
    secret_number    integer NOT NULL DEFAULT 1,
    former_until     timestamptz,
    paused_at        timestamptz,
    paused_reason    text,
    disabled_at      timestamptz,
    disabled_reason  text,
    failing_since    timestamptz,
    failures_in_a_row integer NOT NULL DEFAULT 0,
    not_before       timestamptz,
    key_problem      text,
    dropped_count    bigint NOT NULL DEFAULT 0,
    created_at       timestamptz NOT NULL DEFAULT clock_timestamp(),
    created_by       text NOT NULL DEFAULT provision.actor(),
    CONSTRAINT url_is_short CHECK (length(url) BETWEEN 8 AND 2000),
    CONSTRAINT events_are_named CHECK (cardinality(events) > 0 AND array_position(events, NULL) IS NULL),
    CONSTRAINT max_in_flight_is_positive CHECK (max_in_flight BETWEEN 1 AND 50),
    CONSTRAINT max_waiting_is_positive CHECK (max_waiting BETWEEN 100 AND 100000),
    CONSTRAINT timeout_is_positive CHECK (timeout_ms BETWEEN 100 AND 30000),
    CONSTRAINT retry_seconds_are_few CHECK (cardinality(retry_seconds) BETWEEN 1 AND 20 AND array_position(retry_seconds, NULL) IS NULL),
    CONSTRAINT disable_after_is_positive CHECK (disable_after_seconds BETWEEN 1 AND 31536000),
    CONSTRAINT disabled_for_a_reason CHECK ((disabled_at IS NULL) = (disabled_reason IS NULL)),
    CONSTRAINT failing_iff_failures CHECK ((failing_since IS NULL) = (failures_in_a_row = 0))
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 200);
CREATE INDEX webhook_of_owner ON provision.webhook ((coalesce(tenant_id, 0)));
ALTER TABLE provision.secret ADD FOREIGN KEY (webhook_id) REFERENCES provision.webhook ON DELETE CASCADE;
COMMENT ON TABLE provision.webhook IS 'Who is told of events, and how: of one tenant, or of the platform. Its secrets are in provision.secret. Written by provision_webhook_create and the like; by a worker when a delivery fails.';
COMMENT ON COLUMN provision.webhook.tenant_id IS 'Whose events it tells of; null: everybody''s, and those of engines.';
COMMENT ON COLUMN provision.webhook.events IS 'Types of provision.webhook_event; null: all, later ones too.';
COMMENT ON COLUMN provision.webhook.max_in_flight IS 'Deliveries at once, over all workers.';
COMMENT ON COLUMN provision.webhook.max_waiting IS 'Of more than these the oldest are removed; about, because a worker counts every 10 seconds.';
COMMENT ON COLUMN provision.webhook.timeout_ms IS 'Time limit of a delivery.';
COMMENT ON COLUMN provision.webhook.retry_seconds IS 'Pauses after the first, the second and each further try that failed; after one more a delivery is given up.';
COMMENT ON COLUMN provision.webhook.disable_after_seconds IS 'After so long without a delivery that succeeded, while some failed, it is disabled.';
COMMENT ON COLUMN provision.webhook.secret_number IS 'Its secret is signing_<number>; the one before it signs too until former_until.';
COMMENT ON COLUMN provision.webhook.failing_since IS 'The first failure after the last success.';
COMMENT ON COLUMN provision.webhook.not_before IS 'No delivery before: the receiver asked for it (Retry-After), it failed many times in a row, or the key of its secret is missing.';
COMMENT ON COLUMN provision.webhook.key_problem IS 'Why its messages cannot be signed; null: they can.';
COMMENT ON COLUMN provision.webhook.dropped_count IS 'Deliveries that max_waiting had no room for.';

CREATE TABLE provision.webhook_delivery (
    delivery_id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    webhook_id       bigint NOT NULL,
    message          uuid NOT NULL DEFAULT gen_random_uuid(),
    subject          text NOT NULL,
    job_id           bigint,
    event_id         bigint,
    type             text NOT NULL,
    payload          jsonb NOT NULL,
    state            text NOT NULL DEFAULT 'waiting',
    attempt_count    integer NOT NULL DEFAULT 0,
    next_at          timestamptz DEFAULT clock_timestamp(),
    incarnation      bigint,
    sent_at          timestamptz,
    http_status      smallint,
    last_error       text,
    response_excerpt text,
    created_at       timestamptz NOT NULL DEFAULT clock_timestamp(),
    finished_at      timestamptz,
    CONSTRAINT state_is_known CHECK (state IN ('waiting', 'sending', 'delivered', 'dead')),
    CONSTRAINT incarnation_iff_sending CHECK ((incarnation IS NOT NULL) = (state = 'sending')),
    CONSTRAINT next_at_only_while_waiting CHECK (next_at IS NULL OR state = 'waiting'),
    CONSTRAINT finished_at_iff_over CHECK ((finished_at IS NOT NULL) = (state IN ('delivered', 'dead'))),
    CONSTRAINT payload_is_bounded CHECK (pg_column_size(payload) <= 16384)
) WITH (fillfactor = 60, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000, autovacuum_analyze_scale_factor = 0.05);
CREATE INDEX webhook_delivery_due ON provision.webhook_delivery (webhook_id, next_at, delivery_id) WHERE state = 'waiting' AND next_at IS NOT NULL;
CREATE INDEX webhook_delivery_open ON provision.webhook_delivery (webhook_id, subject, delivery_id) WHERE state IN ('waiting', 'sending');
CREATE INDEX webhook_delivery_sending ON provision.webhook_delivery (webhook_id) WHERE state = 'sending';
CREATE INDEX webhook_delivery_dead ON provision.webhook_delivery (webhook_id, delivery_id) WHERE state = 'dead';
CREATE INDEX webhook_delivery_by_time ON provision.webhook_delivery USING brin (created_at);
COMMENT ON TABLE provision.webhook_delivery IS 'One event for one webhook. Of one job only the first that is not over is sent. It refers to nothing by a key, so that writing it waits for nobody; delivered and dead ones are kept for provision.retention.';
COMMENT ON COLUMN provision.webhook_delivery.message IS 'Sent as webhook-id, the same with each try, so that the receiver recognises what it has already.';
COMMENT ON COLUMN provision.webhook_delivery.subject IS 'What its order is kept in: job/<number>, engine/<name> or webhook/<number>.';
COMMENT ON COLUMN provision.webhook_delivery.state IS 'waiting; sending: written before the first byte leaves; delivered: answered with 2xx; dead: given up after its last try.';
COMMENT ON COLUMN provision.webhook_delivery.attempt_count IS 'Tries that were begun.';
COMMENT ON COLUMN provision.webhook_delivery.next_at IS 'When it is tried. Null while it waits: an earlier one of its subject is not over.';
COMMENT ON COLUMN provision.webhook_delivery.incarnation IS 'The worker that sends it.';
COMMENT ON COLUMN provision.webhook_delivery.response_excerpt IS 'First 200 characters of the last answer, redacted.';

CREATE TABLE provision.webhook_event (
    type         text PRIMARY KEY,
    position     smallint NOT NULL UNIQUE,
    events       text[] NOT NULL,
    description  text NOT NULL,
    CONSTRAINT type_is_dotted CHECK (type ~ '^[a-z]+\.[a-z_]+$')
);
COMMENT ON TABLE provision.webhook_event IS 'The types of events that webhooks are told of.';
COMMENT ON COLUMN provision.webhook_event.position IS 'One event may be told as two types, in this order.';
COMMENT ON COLUMN provision.webhook_event.events IS 'Words of provision.event.event that it is made of.';

INSERT INTO provision.webhook_event (position, type, events, description) VALUES
    ( 1, 'job.enqueued',          '{job_enqueued}',              'A job was started and waits in the queue, or for its time.'),
    ( 2, 'job.started',           '{job_started}',               'A worker has begun with it; once in each run.'),
    ( 3, 'step.completed',        '{step_completed}',            'A step was done.'),
    ( 4, 'step.failed',           '{step_failed}',               'A step was given up.'),
    ( 5, 'step.skipped',          '{step_skipped}',              'An optional step was left out.'),
    ( 6, 'job.progress',          '{step_completed,step_skipped,step_undone}', 'More of it is done. One that waits is left out when a newer one of the job waits, too.'),
    ( 7, 'job.paused',            '{job_paused}',                'It waits for provision_resume().'),
    ( 8, 'job.resumed',           '{job_resumed}',               'It goes on.'),
    ( 9, 'job.completed',         '{job_completed}',             'Every step was completed or skipped.'),
    (10, 'job.partial',           '{job_partial}',               'Every critical step was completed, some other one was not.'),
    (11, 'job.failed',            '{job_failed}',                'It ended with an error.'),
    (12, 'job.cancelled',         '{job_cancelled}',             'Somebody cancelled it.'),
    (13, 'job.retried',           '{job_retried,job_continued}', 'An ended job begins a new run.'),
    (14, 'job.rolling_back',      '{job_rolling_back}',          'What it made is being removed.'),
    (15, 'job.rolled_back',       '{job_rolled_back}',           'What it had made is gone.'),
    (16, 'tenant.activated',      '{tenant_activated}',          'The tenant can be used.'),
    (17, 'tenant.deleted',        '{tenant_deleted}',            'The tenant''s site is gone.'),
    (18, 'engine.breaker_opened', '{breaker_open}',              'A server could not be reached many times in a row: no calls for now. Platform only.'),
    (19, 'engine.breaker_closed', '{breaker_closed,breaker_reset}', 'It is called again. Platform only.'),
    (20, 'engine.paused',         '{engine_paused}',             'An operator paused it. Platform only.'),
    (21, 'engine.resumed',        '{engine_resumed}',            'It goes on. Platform only.'),
    (22, 'webhook.ping',          '{}',                          'provision_webhook_test() was called; goes to that webhook, whatever it subscribed to.');
