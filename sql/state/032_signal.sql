-- Signals: what a step waits for that no server tells: a person's consent, credentials, the word of another system.

CREATE TABLE provision.signal (
    job_id       bigint NOT NULL REFERENCES provision.job ON DELETE CASCADE,
    name         text NOT NULL,
    asked_at     timestamptz,
    expires_at   timestamptz,
    payload      jsonb,
    secrets      text[] NOT NULL DEFAULT '{}',
    actor        text,
    received_at  timestamptz,
    used_at      timestamptz,
    PRIMARY KEY (job_id, name),
    CONSTRAINT asked_until_when CHECK ((asked_at IS NULL) = (expires_at IS NULL)),
    CONSTRAINT asked_for_or_received CHECK (num_nonnulls(asked_at, received_at) > 0),
    CONSTRAINT received_from_somebody CHECK (num_nonnulls(payload, actor, received_at) IN (0, 3)),
    CONSTRAINT used_only_when_received CHECK (used_at IS NULL OR received_at IS NOT NULL),
    CONSTRAINT payload_is_an_object CHECK (jsonb_typeof(payload) = 'object'),
    CONSTRAINT payload_is_bounded CHECK (octet_length(payload::text) <= 65536)
);
COMMENT ON TABLE provision.signal IS 'Signals that jobs wait for, or have received. Written by the worker when a step begins to wait, and by provision_signal().';
COMMENT ON COLUMN provision.signal.asked_at IS 'When the step began to wait. Null: it has not come to it yet.';
COMMENT ON COLUMN provision.signal.expires_at IS 'When the step fails if the signal has not come.';
COMMENT ON COLUMN provision.signal.payload IS 'What came with it, without its secrets.';
COMMENT ON COLUMN provision.signal.secrets IS 'Keys of the payload that were sealed: api_key and api_secret as the credentials of the tenant, each other one as secret signal_KEY of it.';
COMMENT ON COLUMN provision.signal.actor IS 'Who sent it.';
COMMENT ON COLUMN provision.signal.used_at IS 'When the plan of the step was first told.';
