-- Engines: the servers the worker calls. What the operator set lives in engine, what happens to it in engine_state,
-- so that a busy engine's updates never meet the foreign key checks of tenants.

CREATE SCHEMA provision;
COMMENT ON SCHEMA provision IS 'Durable job engine that provisions ERPNext tenants: tables, views and internal functions.';

CREATE TABLE provision.engine (
    engine_id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name                text NOT NULL UNIQUE,
    kind                text NOT NULL,
    base_url            text NOT NULL,
    site                text,
    allow_http          boolean NOT NULL DEFAULT false,
    ca_file             text,
    client_certificate_file text,
    client_key_file     text,
    max_concurrent      integer NOT NULL DEFAULT 5,
    rate_per_second     double precision,
    burst               integer,
    failure_threshold   integer NOT NULL DEFAULT 5,
    recovery_seconds    integer NOT NULL DEFAULT 60,
    connect_timeout_ms  integer,
    timeout_ms          integer,
    max_queue_depth     integer,
    bench               text,
    domain              text,
    apps                text[],
    agent               text,
    max_jobs            integer NOT NULL DEFAULT 4,
    proxy               text,
    upstream            text,
    team                text,
    plan                text,
    cluster             text,
    release_group       text,
    created_at          timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT name_is_a_short_word CHECK (name ~ '^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$'),
    CONSTRAINT kind_is_supported CHECK (kind IN ('erpnext', 'frappe_agent', 'frappe_cloud')),
    CONSTRAINT base_url_is_http CHECK (base_url ~ '^https?://[^/?#@[:space:][:cntrl:]]+(/[^?#[:space:][:cntrl:]]*[^/?#[:space:][:cntrl:]])?$'),
    CONSTRAINT plain_http_is_allowed_or_loopback CHECK (
        allow_http OR base_url ~ '^https:' OR base_url ~ '^http://(127\.[0-9.]+|localhost|\[::1\])(:[0-9]+)?(/|$)'),
    CONSTRAINT site_is_a_host_name CHECK (site ~ '^[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?(:[0-9]{1,5})?$'),
    CONSTRAINT client_certificate_has_a_key CHECK ((client_certificate_file IS NULL) = (client_key_file IS NULL)),
    CONSTRAINT max_concurrent_is_positive CHECK (max_concurrent BETWEEN 1 AND 10000),
    CONSTRAINT rate_per_second_is_positive CHECK (rate_per_second > 0 AND rate_per_second <= 100000),
    CONSTRAINT burst_is_positive CHECK (burst BETWEEN 1 AND 100000),
    CONSTRAINT failure_threshold_is_positive CHECK (failure_threshold BETWEEN 1 AND 1000),
    CONSTRAINT recovery_seconds_is_positive CHECK (recovery_seconds BETWEEN 1 AND 86400),
    CONSTRAINT connect_timeout_is_positive CHECK (connect_timeout_ms BETWEEN 1 AND 600000),
    CONSTRAINT timeout_is_positive CHECK (timeout_ms BETWEEN 1 AND 3600000),
    CONSTRAINT max_queue_depth_is_positive CHECK (max_queue_depth BETWEEN 1 AND 10000000),
    CONSTRAINT max_jobs_is_positive CHECK (max_jobs BETWEEN 1 AND 10000),
    CONSTRAINT bench_is_a_word CHECK (bench ~ '^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$'),
    CONSTRAINT apps_are_named CHECK (array_position(apps, NULL) IS NULL),
    CONSTRAINT only_benches_have_a_proxy CHECK ((proxy IS NULL) = (upstream IS NULL) AND (proxy IS NULL OR bench IS NOT NULL) AND proxy <> name),
    CONSTRAINT upstream_is_an_address CHECK (upstream ~ '^[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?$'),
    CONSTRAINT only_agents_have_a_bench CHECK (kind = 'frappe_agent' OR bench IS NULL),
    CONSTRAINT only_clouds_have_a_team CHECK (kind = 'frappe_cloud' OR num_nonnulls(team, plan, cluster, release_group) = 0),
    CONSTRAINT only_site_makers_have_a_domain CHECK (kind <> 'erpnext' OR num_nonnulls(domain, apps) = 0),
    CONSTRAINT site_makers_have_no_site CHECK (kind = 'erpnext' OR num_nonnulls(site, agent) = 0),
    CONSTRAINT team_fits_into_a_header CHECK (team ~ '^[A-Za-z0-9][A-Za-z0-9@._+-]{0,139}$'),
    CONSTRAINT agent_is_an_engine FOREIGN KEY (agent) REFERENCES provision.engine (name),
    CONSTRAINT proxy_is_an_engine FOREIGN KEY (proxy) REFERENCES provision.engine (name)
);
COMMENT ON TABLE provision.engine IS 'A server the worker calls: an ERPNext site or bench, or what makes sites: the Frappe Agent of one, or Frappe Cloud. Written by provision_engine_create, _update and _drop.';
COMMENT ON COLUMN provision.engine.kind IS 'How it is spoken to, and how its answers are read: erpnext, frappe_agent or frappe_cloud.';
COMMENT ON COLUMN provision.engine.base_url IS 'Scheme, host, port and path prefix; no query, no trailing slash.';
COMMENT ON COLUMN provision.engine.site IS 'Default Frappe site of its tenants, sent as Host and X-Frappe-Site-Name; null: the host of base_url.';
COMMENT ON COLUMN provision.engine.allow_http IS 'Plain http is accepted beyond loopback.';
COMMENT ON COLUMN provision.engine.ca_file IS 'PEM file of certificate authorities on the database server; null: provision.ca_file or the system''s.';
COMMENT ON COLUMN provision.engine.client_certificate_file IS 'PEM file on the database server by which we prove who we are; null: we do not.';
COMMENT ON COLUMN provision.engine.client_key_file IS 'PEM file of its private key, without passphrase.';
COMMENT ON COLUMN provision.engine.max_concurrent IS 'Calls at once, over all workers.';
COMMENT ON COLUMN provision.engine.rate_per_second IS 'Calls per second over all workers; null: no limit.';
COMMENT ON COLUMN provision.engine.burst IS 'Calls that may start at once after a quiet time under rate_per_second; null: one second''s worth, at least 1.';
COMMENT ON COLUMN provision.engine.failure_threshold IS 'Transport failures in a row that open the circuit breaker.';
COMMENT ON COLUMN provision.engine.recovery_seconds IS 'How long the breaker stays open before one job may probe.';
COMMENT ON COLUMN provision.engine.connect_timeout_ms IS 'Null: provision.connect_timeout.';
COMMENT ON COLUMN provision.engine.timeout_ms IS 'Upper bound of every call to this engine in milliseconds; null: the time limit of the call''s effort alone.';
COMMENT ON COLUMN provision.engine.max_queue_depth IS 'Waiting jobs above which provision_start is refused; null: no limit.';
COMMENT ON COLUMN provision.engine.bench IS 'frappe_agent: the bench on which sites are made; null: it is the Agent of a proxy server.';
COMMENT ON COLUMN provision.engine.domain IS 'frappe_agent, frappe_cloud: what follows the tenant''s name in the name of its site; null: each config names a site.';
COMMENT ON COLUMN provision.engine.apps IS 'frappe_agent, frappe_cloud: what is installed on a new site, in this order, beside frappe.';
COMMENT ON COLUMN provision.engine.proxy IS 'frappe_agent: the engine of the proxy server in front of its server, where that is another one.';
COMMENT ON COLUMN provision.engine.upstream IS 'frappe_agent: its server''s address as the proxy server knows it.';
COMMENT ON COLUMN provision.engine.max_jobs IS 'frappe_agent: jobs that it gets to do at once; the others wait in our queue.';
COMMENT ON COLUMN provision.engine.agent IS 'erpnext: the engine that makes and deletes the sites of its tenants.';
COMMENT ON COLUMN provision.engine.team IS 'frappe_cloud: the team to whom the sites belong, sent as X-Press-Team.';
COMMENT ON COLUMN provision.engine.plan IS 'frappe_cloud: the Site Plan of new sites.';
COMMENT ON COLUMN provision.engine.cluster IS 'frappe_cloud: the region of new sites; null: that of Frappe Cloud.';
COMMENT ON COLUMN provision.engine.release_group IS 'frappe_cloud: the bench group of new sites; null: its plan makes a bench for each.';

CREATE TABLE provision.engine_state (
    engine_id           bigint PRIMARY KEY REFERENCES provision.engine ON DELETE CASCADE,
    paused_at           timestamptz,
    paused_reason       text,
    breaker             text NOT NULL DEFAULT 'closed',
    breaker_since       timestamptz,
    breaker_until       timestamptz,
    probe_job_id        bigint,
    failures_in_a_row   integer NOT NULL DEFAULT 0,
    not_before          timestamptz,
    clock_skew_seconds  integer NOT NULL DEFAULT 0,
    clock_skew_at       timestamptz,
    CONSTRAINT breaker_is_a_known_state CHECK (breaker IN ('closed', 'open', 'half_open')),
    CONSTRAINT breaker_until_iff_not_closed CHECK ((breaker_until IS NOT NULL) = (breaker <> 'closed')),
    CONSTRAINT probe_iff_half_open CHECK ((probe_job_id IS NOT NULL) = (breaker = 'half_open'))
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 200);
COMMENT ON TABLE provision.engine_state IS 'What happens to an engine: pause, circuit breaker, what its server asked for. Its row is the lock for all that is counted of an engine, engine_gauge included, and is seldom changed. Locked first (lock order: engine, job, step).';
COMMENT ON COLUMN provision.engine_state.breaker_since IS 'When the breaker last opened from closed.';
COMMENT ON COLUMN provision.engine_state.clock_skew_seconds IS 'By how much the Date of its answers is ahead of this server''s clock; 0 when by 5 seconds or less either way.';
COMMENT ON COLUMN provision.engine_state.breaker_until IS 'open: no call before; half_open: when the one probing job counts as lost.';
COMMENT ON COLUMN provision.engine_state.probe_job_id IS 'half_open: the one job that may call.';
COMMENT ON COLUMN provision.engine_state.not_before IS 'No call before, because the server asked for it (Retry-After); null or past: it did not.';

-- Changes with every call of a limited engine. Updated in place, its versions would pile up under one key while somebody holds an old
-- snapshot, and every look would pass them all; with a new turn each time, the newest is the first that is found from above.
CREATE TABLE provision.engine_gauge (
    engine_id     bigint NOT NULL REFERENCES provision.engine ON DELETE CASCADE,
    turn          bigint NOT NULL DEFAULT 0,
    tokens        double precision NOT NULL DEFAULT 0,
    tokens_at     timestamptz NOT NULL DEFAULT '-infinity',
    oldest_claim  bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (engine_id, turn)
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 200);
COMMENT ON TABLE provision.engine_gauge IS 'What changes often about an engine: one row for each, read by highest turn, written with its engine_state locked.';
COMMENT ON COLUMN provision.engine_gauge.turn IS 'One more with each change.';
COMMENT ON COLUMN provision.engine_gauge.tokens IS 'Calls that rate_per_second allowed at tokens_at.';
COMMENT ON COLUMN provision.engine_gauge.oldest_claim IS 'No running job of the engine has a lower claim_number. May lag behind; is never ahead.';

CREATE TABLE provision.tenant (
    tenant_id   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name        text NOT NULL UNIQUE,
    key         uuid NOT NULL DEFAULT gen_random_uuid(),
    engine_id   bigint NOT NULL REFERENCES provision.engine,
    plan        text NOT NULL DEFAULT 'starter',
    config      jsonb NOT NULL,
    settings    jsonb NOT NULL,
    metadata    jsonb NOT NULL DEFAULT '{}',
    lifecycle   text NOT NULL DEFAULT 'pending',
    lifecycle_before text,
    created_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    updated_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    company_claim bytea,
    abbr_claim  bytea,
    CONSTRAINT company_belongs_to_one UNIQUE (company_claim),
    CONSTRAINT abbreviation_belongs_to_one UNIQUE (abbr_claim),
    CONSTRAINT name_is_a_short_word CHECK (name ~ '^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$'),
    CONSTRAINT plan_is_a_word CHECK (plan ~ '^[a-z][a-z0-9_]{0,31}$'),
    CONSTRAINT config_is_an_object CHECK (jsonb_typeof(config) = 'object'),
    CONSTRAINT settings_is_an_object CHECK (jsonb_typeof(settings) = 'object'),
    CONSTRAINT metadata_is_an_object CHECK (jsonb_typeof(metadata) = 'object'),
    CONSTRAINT lifecycle_is_a_known_state CHECK (lifecycle IN ('pending', 'provisioning', 'active', 'deleting', 'deleted'))
) WITH (fillfactor = 70);
CREATE INDEX tenant_by_engine ON provision.tenant (engine_id);
COMMENT ON TABLE provision.tenant IS 'One customer on an engine. Written by provision_tenant_create and _update.';
COMMENT ON COLUMN provision.tenant.key IS 'Part of the keys by which our documents are recognised on the server, where another database may have a tenant of the same name.';
COMMENT ON COLUMN provision.tenant.config IS 'As given by the caller.';
COMMENT ON COLUMN provision.tenant.settings IS 'config with every default filled in: what the plan functions read.';
COMMENT ON COLUMN provision.tenant.lifecycle_before IS 'While it is deleting: what it was before, and is again when the job ends without having touched the site. Null once the site may be gone.';
COMMENT ON COLUMN provision.tenant.company_claim IS 'Hash of its site and company: no two tenants work on one company. Null: not known yet where it will live, or deleted.';
COMMENT ON COLUMN provision.tenant.abbr_claim IS 'Likewise of its site and the company''s abbreviation.';
COMMENT ON COLUMN provision.tenant.metadata IS 'Facts the steps learnt about the tenant from the server (names of accounts, warehouses, ...).';

CREATE TABLE provision.secret (
    secret_id   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    engine_id   bigint REFERENCES provision.engine ON DELETE CASCADE,
    tenant_id   bigint REFERENCES provision.tenant ON DELETE CASCADE,
    webhook_id  bigint,
    name        text NOT NULL,
    sealed      bytea NOT NULL,
    set_at      timestamptz NOT NULL DEFAULT clock_timestamp(),
    sealed_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
    identity    text NOT NULL GENERATED ALWAYS AS (coalesce('engine/' || engine_id::text, 'tenant/' || tenant_id::text, 'webhook/' || webhook_id::text) || '/' || name) STORED,
    key_id      text NOT NULL GENERATED ALWAYS AS (encode(substr(sealed, 3, get_byte(sealed, 1)), 'escape')) STORED,
    CONSTRAINT name_is_unique_for_its_engine UNIQUE (engine_id, name),
    CONSTRAINT name_is_unique_for_its_tenant UNIQUE (tenant_id, name),
    CONSTRAINT name_is_unique_for_its_webhook UNIQUE (webhook_id, name),
    CONSTRAINT secret_belongs_to_one CHECK (num_nonnulls(engine_id, tenant_id, webhook_id) = 1),
    CONSTRAINT name_is_a_word CHECK (name ~ '^[a-z][a-z0-9_]{0,62}$'),
    CONSTRAINT sealed_is_sealed CHECK (length(sealed) BETWEEN 31 AND 16384 AND get_byte(sealed, 0) = 1)
);
REVOKE ALL ON provision.secret FROM PUBLIC;
COMMENT ON TABLE provision.secret IS 'Secrets of an engine, of a tenant with a site of its own, or of a webhook, sealed. Readable by the owner only; no view, plan, log or event shows it.';
COMMENT ON COLUMN provision.secret.name IS 'credentials: API key and API secret, sent as Authorization header; site_session: a login session of the tenant''s site, sent as its cookie; others are named in the bodies of calls to Frappe Agent; signing_1, signing_2 and so on: what the messages of a webhook are signed with.';
COMMENT ON COLUMN provision.secret.sealed IS 'AES-256-GCM under a key that no table holds: version, length and id of the key, nonce, encrypted value, tag. src/secret.h tells the bytes.';
COMMENT ON COLUMN provision.secret.set_at IS 'When somebody gave it; sealed_at: when it was sealed, perhaps by provision_rotate_secrets().';
COMMENT ON COLUMN provision.secret.identity IS 'Whose secret it is: sealed in one row, it does not open in another.';
COMMENT ON COLUMN provision.secret.key_id IS 'The key it is sealed with.';
