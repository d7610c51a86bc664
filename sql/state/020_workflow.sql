-- Workflows are rows: a version never changes once it is stored, and a job keeps the version it started with.

CREATE TABLE provision.workflow (
    workflow_id  bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name         text NOT NULL,
    version      integer NOT NULL DEFAULT 1,
    is_current   boolean NOT NULL DEFAULT true,
    activates    boolean NOT NULL DEFAULT false,
    deletes      boolean NOT NULL DEFAULT false,
    rollback_on_failure boolean NOT NULL DEFAULT false,
    description  text NOT NULL DEFAULT '',
    needs        text[] NOT NULL DEFAULT '{}',
    about        text,
    is_builtin   boolean NOT NULL DEFAULT false,
    created_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
    max_wait_ms  bigint,
    deadline_ms  bigint,
    works_at     text NOT NULL DEFAULT 'home',
    CONSTRAINT deletes_or_activates CHECK (NOT (deletes AND activates)),
    CONSTRAINT works_at_is_a_known_place CHECK (works_at IN ('home', 'site_maker')),
    CONSTRAINT one_row_per_version UNIQUE (name, version),
    CONSTRAINT name_is_a_short_word CHECK (name ~ '^[a-z][a-z0-9_]{0,62}$'),
    CONSTRAINT needs_are_keys CHECK (array_position(needs, NULL) IS NULL),
    CONSTRAINT version_is_positive CHECK (version > 0),
    CONSTRAINT max_wait_is_a_year_at_most CHECK (max_wait_ms BETWEEN 1 AND 31536000000),
    CONSTRAINT deadline_is_a_year_at_most CHECK (deadline_ms BETWEEN 1 AND 31536000000)
);
CREATE UNIQUE INDEX one_current_version ON provision.workflow (name) WHERE is_current;
COMMENT ON TABLE provision.workflow IS 'A named, versioned set of steps. New jobs take the current version.';
COMMENT ON COLUMN provision.workflow.activates IS 'When a job of it ends well, the tenant''s lifecycle becomes active.';
COMMENT ON COLUMN provision.workflow.deletes IS 'When a job of it is completed, the tenant''s lifecycle becomes deleted, and what was learnt about it is forgotten.';
COMMENT ON COLUMN provision.workflow.rollback_on_failure IS 'A job of it that fails after it made something is rolled back at once; the option rollback_on_failure of provision_start overrides it.';
COMMENT ON COLUMN provision.workflow.needs IS 'Settings that a tenant''s config must have for it: without them provision_validate() says MISSING_ and their name, and a start is refused.';
COMMENT ON COLUMN provision.workflow.about IS 'The workflow at which this one looks: its steps with only_looks are told the steps of that one.';
COMMENT ON COLUMN provision.workflow.is_builtin IS 'Belongs to the extension: not dumped, replaced by upgrades.';

COMMENT ON COLUMN provision.workflow.works_at IS 'Where its jobs work: home, at the tenant''s engine; site_maker, at the engine that makes its sites: the tenant''s own if it does, else the one that this names as its agent.';
COMMENT ON COLUMN provision.workflow.max_wait_ms IS 'Milliseconds a job may wait for its first claim before it fails; null: for ever. The option max_wait of provision_start overrides it.';
COMMENT ON COLUMN provision.workflow.deadline_ms IS 'Milliseconds from a job''s first claim until it fails; null: no limit. The option deadline of provision_start overrides it.';

CREATE TABLE provision.step (
    workflow_id      bigint NOT NULL REFERENCES provision.workflow ON DELETE CASCADE,
    ordinal          smallint NOT NULL,
    name             text NOT NULL,
    title            text NOT NULL DEFAULT '',
    plan_function    text NOT NULL,
    undo_function    text,
    critical         boolean NOT NULL DEFAULT false,
    optional         boolean NOT NULL DEFAULT false,
    weight           integer NOT NULL DEFAULT 1,
    requires         text[] NOT NULL DEFAULT '{}',
    runs_after       text[] NOT NULL DEFAULT '{}',
    condition        jsonpath,
    exclusive        text,
    max_attempts     integer NOT NULL DEFAULT 3,
    backoff_ms       integer NOT NULL DEFAULT 2000,
    backoff_max_ms   integer NOT NULL DEFAULT 10000,
    patience_ms      integer NOT NULL DEFAULT 5000,
    deadline_ms      bigint,
    on_cancel        text NOT NULL DEFAULT 'await',
    only_looks       boolean NOT NULL DEFAULT false,
    signals          jsonb,
    works_at         text,
    PRIMARY KEY (workflow_id, ordinal),
    CONSTRAINT one_step_per_name UNIQUE (workflow_id, name),
    CONSTRAINT name_is_a_short_word CHECK (name ~ '^[a-z][a-z0-9_]{0,62}$'),
    CONSTRAINT plan_function_is_qualified CHECK (plan_function ~ '^[a-z_][a-z0-9_]*\.[a-z_][a-z0-9_]*$'),
    CONSTRAINT undo_function_is_qualified CHECK (undo_function ~ '^[a-z_][a-z0-9_]*\.[a-z_][a-z0-9_]*$'),
    CONSTRAINT optional_is_not_critical CHECK (NOT (optional AND critical)),
    CONSTRAINT weight_is_positive CHECK (weight > 0),
    CONSTRAINT max_attempts_is_positive CHECK (max_attempts BETWEEN 1 AND 100),
    CONSTRAINT backoff_is_bounded CHECK (backoff_ms BETWEEN 1 AND backoff_max_ms AND backoff_max_ms <= 86400000),
    CONSTRAINT patience_is_bounded CHECK (patience_ms BETWEEN 0 AND 3600000),
    CONSTRAINT deadline_is_a_year_at_most CHECK (deadline_ms BETWEEN 1 AND 31536000000),
    CONSTRAINT on_cancel_is_known CHECK (on_cancel IN ('await', 'end')),
    CONSTRAINT signals_are_named CHECK (jsonb_typeof(signals) = 'object' AND signals <> '{}'),
    CONSTRAINT works_at_is_a_known_place CHECK (works_at IN ('home', 'site_maker', 'proxy'))
);
COMMENT ON TABLE provision.step IS 'One unit of progress the user sees; its plan function turns what is known into calls.';
COMMENT ON COLUMN provision.step.plan_function IS 'Schema-qualified name of a function (job jsonb) RETURNS SETOF provision.call. A name, not regproc, so that pg_upgrade can carry it.';
COMMENT ON COLUMN provision.step.undo_function IS 'Like plan_function, asked when the job is rolled back, with what the step is known to have created under "created"; provision.plan_undo_documents does for documents. Null: there is nothing to undo, and what the step did create is reported as left.';
COMMENT ON COLUMN provision.step.critical IS 'Its failure ends the job as failed; the failure of others makes it partial.';
COMMENT ON COLUMN provision.step.optional IS 'May be skipped by provision_skip_step or by options.skip_steps.';
COMMENT ON COLUMN provision.step.weight IS 'Its share of the job''s progress.';
COMMENT ON COLUMN provision.step.requires IS 'Steps that must have succeeded first; if one did not, this step is blocked.';
COMMENT ON COLUMN provision.step.runs_after IS 'Steps that must have ended first, however.';
COMMENT ON COLUMN provision.step.condition IS 'Predicate over {"settings", "facts", "options"}, judged when the step could start; the step is skipped unless it is true. Null: always runs.';
COMMENT ON COLUMN provision.step.exclusive IS 'Only one step with this word runs on one site of an engine at a time.';
COMMENT ON COLUMN provision.step.max_attempts IS 'Tries of one call before its transient failure becomes final.';
COMMENT ON COLUMN provision.step.backoff_ms IS 'Pause before the second try in milliseconds; doubles with every further one up to backoff_max_ms, with jitter.';
COMMENT ON COLUMN provision.step.patience_ms IS 'How long after a lost answer the server may still be finishing: until then it is not believed that nothing was made.';
COMMENT ON COLUMN provision.step.deadline_ms IS 'Milliseconds from its first call, pauses between tries included, after which the step makes no further call and fails; null: no limit.';
COMMENT ON COLUMN provision.step.on_cancel IS 'Its call in flight when the job is cancelled or its deadline passes: await or end. Reads are always ended; what could neither be repeated nor looked for afterwards is always awaited.';
COMMENT ON COLUMN provision.step.signals IS 'Signals that its plan may wait for: {"approval": {"timeout": "1 day"}}. timeout: from when the step first waits until it fails, an interval from 1 millisecond to 365 days. secrets, an array: keys of the payload that it must have, and that are sealed at once.';
COMMENT ON COLUMN provision.step.works_at IS 'Where it works, as workflow.works_at, or proxy: at the proxy server in front of the engine that makes sites; where there is none the step is skipped. Named by each step of a workflow or by none. A job moves to the engine of the step that is next. Null: where the workflow does.';
COMMENT ON COLUMN provision.step.only_looks IS 'It never changes anything on the server: a call that would fails the step before it is sent. A job of such steps alone is in nobody''s way.';

CREATE TYPE provision.call AS (
    name        text,
    method      text,
    path        text,
    body        jsonb,
    wanted      boolean,
    guard       text,
    repeatable  boolean,
    effort      text,
    learn       jsonb,
    creates     jsonb,
    refusable   boolean,
    seals       jsonb,
    auth        text
);
COMMENT ON TYPE provision.call IS 'One HTTP exchange a step wants. A plan function returns them in the order in which they are to be sent.';
COMMENT ON COLUMN provision.call.name IS 'Unique within the step.';
COMMENT ON COLUMN provision.call.path IS 'From the engine''s base URL, percent-encoded, with its query.';
COMMENT ON COLUMN provision.call.wanted IS 'true: send; false: not needed; null: depends on an answer that is not known yet.';
COMMENT ON COLUMN provision.call.guard IS 'An earlier call that looks whether this one''s work is done; asked again before this one is repeated.';
COMMENT ON COLUMN provision.call.repeatable IS 'Sending it twice does no harm; null: true for GET, PUT and DELETE.';
COMMENT ON COLUMN provision.call.effort IS 'Its time limit, a row of provision.effort; null: read for GET, write for the others.';
COMMENT ON COLUMN provision.call.learn IS 'Facts to keep from its answer: {"fact": "jsonpath into the decoded body"}.';
COMMENT ON COLUMN provision.call.creates IS 'What it makes that a rollback has to remove: {"kind": "Company", "name": "jsonpath to its name or names in the answer"}; also look (the path in the guard''s answer, where it is another), scope (site: shared by the tenants of a site) and goes_with (the kind that takes it along when it is removed). Null: nothing.';
COMMENT ON COLUMN provision.call.refusable IS 'When the server refuses it for good, the step does not fail: the answer is kept with the verdict refused, and the plan judges it.';
COMMENT ON COLUMN provision.call.seals IS 'Secrets of the tenant that its answer tells: {"secret": "text{path.of.keys}"}. The string at the path, behind the text (which may be empty), is sealed under that name before the answer is stored, and nothing of the answer is kept; null instead forgets the secret. What does not hold it fails with SECRET_MISSING. {}: keep nothing.';
COMMENT ON COLUMN provision.call.auth IS 'Whose credentials it carries. null: the tenant''s, else the engine''s; own: the tenant''s or none; session: the cookie of the tenant''s secret site_session, or none. With own or session and refusable, credentials that are refused are an answer, too.';

CREATE TABLE provision.effort (
    effort      text PRIMARY KEY,
    timeout_ms  integer NOT NULL,
    description text NOT NULL,
    CONSTRAINT timeout_is_positive CHECK (timeout_ms BETWEEN 1 AND 3600000)
);
COMMENT ON TABLE provision.effort IS 'Time limits of calls by how much work they are for ERPNext, measured on version 15.';
INSERT INTO provision.effort VALUES
    ('read', 5000, 'one document or a short list'),
    ('write', 15000, 'an ordinary document'),
    ('settings', 30000, 'site-wide settings: caches are cleared, property setters rewritten'),
    ('delete', 30000, 'links of every document type are searched'),
    ('company', 60000, 'a company with its chart of accounts'),
    ('wizard', 180000, 'the setup wizard of a site'),
    ('agent', 30000, 'any request to Frappe Agent, which answers when it has noted what to do'),
    ('submit', 30000, 'a request that gives Frappe Agent a job: it needs one of max_jobs places'),
    ('cloud', 30000, 'any request to Frappe Cloud'),
    ('wait', 30000, 'a look at jobs of Frappe Agent or Frappe Cloud; the call is done when its job has ended');

CREATE TABLE provision.failure (
    error_code  text PRIMARY KEY,
    message     text NOT NULL,
    hint        text NOT NULL,
    CONSTRAINT error_code_is_upper_case CHECK (error_code ~ '^[A-Z][A-Z0-9_]*$')
);
COMMENT ON TABLE provision.failure IS 'Catalogue of what can go wrong with a job. doc/errors.md is made from it.';
COMMENT ON COLUMN provision.failure.message IS 'For the end user. {tenant}, {engine}, {step}, {call}, {status}, {detail} are filled in.';
COMMENT ON COLUMN provision.failure.hint IS 'What the operator can do; same placeholders.';

CREATE TABLE provision.answer_rule (
    ordinal      integer PRIMARY KEY,
    kind         text,
    delivery     text NOT NULL DEFAULT 'answered',
    method       text,
    path_like    text,
    status_from  integer NOT NULL DEFAULT 0,
    status_to    integer NOT NULL DEFAULT 999,
    is_json      boolean,
    exc_type     text,
    curl_code    integer,
    verdict      text NOT NULL,
    error_code   text REFERENCES provision.failure,
    trips        boolean NOT NULL DEFAULT false,
    is_builtin   boolean NOT NULL DEFAULT false,
    CONSTRAINT delivery_is_one_of_three CHECK (delivery IN ('not_sent', 'unknown', 'answered')),
    CONSTRAINT path_like_is_a_pattern CHECK (path_like NOT LIKE '%\\'),
    CONSTRAINT verdict_is_known CHECK (verdict IN ('success', 'absent', 'duplicate', 'transient', 'permanent', 'ambiguous', 'needs_person', 'interrupted')),
    CONSTRAINT error_code_unless_success CHECK ((error_code IS NULL) = (verdict IN ('success', 'interrupted')))
);
COMMENT ON TABLE provision.answer_rule IS 'What an answer means. The first rule in order whose every set column matches decides.';
COMMENT ON COLUMN provision.answer_rule.kind IS 'Kind of engine; null: any.';
COMMENT ON COLUMN provision.answer_rule.path_like IS 'LIKE pattern on the call''s path; null: any.';
COMMENT ON COLUMN provision.answer_rule.is_json IS 'The body was a JSON object; null: either.';
COMMENT ON COLUMN provision.answer_rule.exc_type IS 'Frappe''s exception class; empty string: none was given; null: any.';
COMMENT ON COLUMN provision.answer_rule.curl_code IS 'libcurl''s result code, from 1001 on one of our own; null: any.';
COMMENT ON COLUMN provision.answer_rule.trips IS 'Counts as a transport failure for the engine''s circuit breaker.';
