-- Jobs and what happened to them. They are vacuumed after a share of them has changed that suits a queue: the default, a fifth, would be days
-- of history. The claim reads one partial index; running rows are found by owner. What is read in every round is
-- read from a place on that moves (rank, claim_number, changed_in), so that versions which a held snapshot keeps are not passed again.

CREATE TABLE provision.worker (
    incarnation      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    pid              integer NOT NULL,
    started_at       timestamptz NOT NULL DEFAULT clock_timestamp(),
    ended_at         timestamptz,
    last_round_at    timestamptz,
    rounds           bigint NOT NULL DEFAULT 0,
    calls            bigint NOT NULL DEFAULT 0,
    calls_in_flight  integer NOT NULL DEFAULT 0,
    memory_bytes     bigint NOT NULL DEFAULT 0,
    suspect_job_id   bigint
) WITH (fillfactor = 10, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 200);
CREATE INDEX worker_not_ended ON provision.worker (incarnation) WHERE ended_at IS NULL;
COMMENT ON TABLE provision.worker IS 'One row per life of a worker process (incarnation). Alive is who holds the advisory lock of its incarnation, not what stands here.';
COMMENT ON COLUMN provision.worker.suspect_job_id IS 'Of the jobs that were in flight in many crashes in a row, the one that may work now: if the worker dies, it was this one.';
COMMENT ON COLUMN provision.worker.ended_at IS 'When it said goodbye, or when its death was noticed.';

CREATE TABLE provision.control (
    only_row          boolean PRIMARY KEY DEFAULT true,
    worker_stopped_at timestamptz,
    paused_at         timestamptz,
    paused_reason     text,
    paused_by         text,
    system_identifier bigint,
    database_oid      oid,
    timeline          integer,
    copy_detail       text,
    adopted_in        timestamptz,
    jobs_looked_at_to timestamptz,
    learnt_at         timestamptz,
    learnt_to         timestamptz,
    CONSTRAINT there_is_one_row CHECK (only_row),
    CONSTRAINT home_is_known_or_not CHECK (num_nulls(system_identifier, database_oid, timeline) IN (0, 3))
);
COMMENT ON TABLE provision.control IS 'State of the whole engine in this database: one row, made with the extension. It is not dumped.';
COMMENT ON COLUMN provision.control.system_identifier IS 'With database_oid and timeline the home: where the engine works. Another place that has these tables is a copy, and waits for provision_adopt(). Null: they come out of a dump.';
COMMENT ON COLUMN provision.control.timeline IS 'Of the server''s WAL when a worker last started; it changes when a standby is promoted.';
COMMENT ON COLUMN provision.control.copy_detail IS 'Why a worker that started here found that this is a copy. Null: it is not.';
COMMENT ON COLUMN provision.control.adopted_in IS 'The start of the server in which provision_adopt() was last called: that it was started from a backup no longer counts.';
COMMENT ON COLUMN provision.control.jobs_looked_at_to IS 'Jobs that ended before this have been looked at, whether they are to be removed; the next look goes on here. Null: it begins with the oldest.';
COMMENT ON COLUMN provision.control.learnt_at IS 'When a worker last looked for jobs to learn durations from (provision.pace).';
COMMENT ON COLUMN provision.control.learnt_to IS 'Jobs that ended up to here have been learnt from.';
COMMENT ON COLUMN provision.control.worker_stopped_at IS 'Set by provision_worker_stop(): no worker runs until provision_worker_start().';
COMMENT ON COLUMN provision.control.paused_at IS 'Set by provision_pause_all(): workers run, but no job is claimed and no call is made until provision_resume_all().';

CREATE SEQUENCE provision.claim_number;
COMMENT ON SEQUENCE provision.claim_number IS 'Numbers claims over all engines; taken with the engine''s row locked, so that of one engine a later claim has a higher number.';

CREATE TABLE provision.job (
    job_id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant_id        bigint NOT NULL REFERENCES provision.tenant,
    engine_id        bigint NOT NULL,
    site             integer NOT NULL DEFAULT 0,
    workflow_id      bigint NOT NULL REFERENCES provision.workflow,
    workflow         text NOT NULL,
    state            text NOT NULL,
    direction        text NOT NULL DEFAULT 'forward',
    priority         integer NOT NULL DEFAULT 0,
    rank             double precision NOT NULL,
    due_at           timestamptz,
    owner            bigint,
    slots            smallint NOT NULL DEFAULT 0,
    claim_number     bigint,
    changed_in       xid8 NOT NULL DEFAULT pg_current_xact_id(),
    wish             text,
    wish_reason      text,
    wish_actor       text,
    options          jsonb NOT NULL DEFAULT '{}',
    correlation_id   text NOT NULL,
    idempotency_key  text,
    has_flaw         boolean NOT NULL DEFAULT false,
    awaits_remote    boolean NOT NULL DEFAULT false,
    rollback_on_failure boolean NOT NULL DEFAULT false,
    earlier_failure    jsonb,
    crash_count      smallint NOT NULL DEFAULT 0,
    error_code       text,
    error_message    text,
    error_hint       text,
    error_step       text,
    created_by       text NOT NULL,
    created_at       timestamptz NOT NULL DEFAULT clock_timestamp(),
    started_at       timestamptz,
    finished_at      timestamptz,
    max_wait_ms      bigint,
    deadline_ms      bigint,
    run_started_at   timestamptz,
    expires_at       timestamptz,
    run              integer NOT NULL DEFAULT 1,
    schedule_id      bigint,
    CONSTRAINT state_is_known CHECK (state IN ('pending', 'scheduled', 'running', 'paused', 'completed', 'partial', 'failed', 'cancelled', 'rolled_back')),
    CONSTRAINT direction_is_known CHECK (direction IN ('forward', 'back')),
    CONSTRAINT finished_at_iff_final_state CHECK ((finished_at IS NOT NULL) = (state IN ('completed', 'partial', 'failed', 'cancelled', 'rolled_back'))),
    CONSTRAINT owner_iff_running CHECK ((owner IS NOT NULL) = (state = 'running')),
    CONSTRAINT slots_iff_running CHECK ((slots > 0) = (state = 'running')),
    CONSTRAINT due_at_if_scheduled CHECK (state <> 'scheduled' OR due_at IS NOT NULL),
    CONSTRAINT awaits_remote_only_while_active CHECK (NOT awaits_remote OR state IN ('pending', 'scheduled', 'running')),
    CONSTRAINT wish_is_known CHECK (wish IN ('cancel', 'pause', 'expire', 'rollback')),
    CONSTRAINT wish_only_while_running CHECK (wish IS NULL OR state IN ('pending', 'running')),
    CONSTRAINT error_if_failed CHECK (state <> 'failed' OR error_code IS NOT NULL),
    CONSTRAINT expires_only_while_active CHECK (expires_at IS NULL OR finished_at IS NULL),
    CONSTRAINT priority_is_bounded CHECK (priority BETWEEN -100 AND 100)
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000, autovacuum_analyze_scale_factor = 0.05);
CREATE INDEX job_next ON provision.job (engine_id, rank, job_id) WHERE state = 'pending';
CREATE INDEX job_next_begun ON provision.job (engine_id, rank, job_id) WHERE state = 'pending' AND run_started_at IS NOT NULL;
CREATE INDEX job_due ON provision.job (due_at) WHERE state = 'scheduled';
CREATE INDEX job_scheduled ON provision.job (engine_id, job_id) WHERE state = 'scheduled';
CREATE INDEX job_running ON provision.job (engine_id, claim_number) WHERE state = 'running';
CREATE INDEX job_of_owner ON provision.job (owner, due_at) WHERE owner IS NOT NULL;
CREATE INDEX job_wished ON provision.job (owner) WHERE owner IS NOT NULL AND wish IS NOT NULL;
-- A job that is about to end anyway is not asked for again; one that rolls back has no time limit.
CREATE INDEX job_expires ON provision.job (expires_at)
    WHERE expires_at IS NOT NULL AND direction = 'forward' AND (state <> 'running' OR wish IS NULL OR wish = 'pause');
CREATE INDEX job_news ON provision.job (changed_in) WHERE state IN ('pending', 'scheduled') OR due_at IS NOT NULL;
-- A key is looked for among the jobs that the caller may see; that somebody else's tenant uses the same one, nobody learns.
CREATE UNIQUE INDEX one_job_per_idempotency_key_and_tenant ON provision.job (idempotency_key, tenant_id) WHERE idempotency_key IS NOT NULL;
CREATE UNIQUE INDEX one_active_job_per_tenant_and_workflow ON provision.job (tenant_id, workflow)
    WHERE state IN ('pending', 'scheduled', 'running', 'paused');
CREATE INDEX job_newest_of_tenant ON provision.job (tenant_id, job_id);
CREATE INDEX job_failed ON provision.job (job_id) WHERE state IN ('failed', 'partial');
CREATE INDEX job_paused ON provision.job (job_id) WHERE state = 'paused';
CREATE INDEX job_ended ON provision.job (finished_at) WHERE finished_at IS NOT NULL;
CREATE INDEX job_by_correlation ON provision.job (correlation_id);
COMMENT ON TABLE provision.job IS 'One run of one version of a workflow for one tenant: what is queued, claimed, owned and retried.';
COMMENT ON COLUMN provision.job.site IS 'Number of the Frappe site it works on, for estimates: of two jobs of an engine with the same number, exclusive steps keep each other off.';
COMMENT ON COLUMN provision.job.rank IS 'Place in the queue, fixed when it enters: seconds since the epoch minus priority times provision.priority_aging; later by provision.fair_spacing over the plan''s weight for each job of its tenant that waits already. A job one priority lower overtakes after priority_aging, so none starves.';
COMMENT ON COLUMN provision.job.due_at IS 'scheduled: when it becomes pending; running: when its owner looks at it although nothing was answered (a wish, a token of the rate limit, a retry beside a call in flight).';
COMMENT ON COLUMN provision.job.owner IS 'Incarnation that runs it. A result is recorded only while this is so.';
COMMENT ON COLUMN provision.job.slots IS 'Calls of its engine''s max_concurrent it holds while it runs: its calls in flight, at least one.';
COMMENT ON COLUMN provision.job.claim_number IS 'Grows with each claim of an engine''s jobs: of those that run, none has a lower one than engine_gauge.oldest_claim.';
COMMENT ON COLUMN provision.job.changed_in IS 'Transaction that last made it pending or scheduled or gave it a time (trigger note_change): by this a worker finds what is new to it.';
COMMENT ON COLUMN provision.job.awaits_remote IS 'Its history says that it waits for a job of Frappe Agent (scheduled): looks that tell nothing new make it pending and running for a moment, of which nothing is written.';
COMMENT ON COLUMN provision.job.wish IS 'What was asked for while it runs; granted once its calls in flight have ended. expire: its deadline has passed.';
COMMENT ON COLUMN provision.job.direction IS 'back: it undoes what it made, step by step from the last one.';
COMMENT ON COLUMN provision.job.rollback_on_failure IS 'When it fails and has made something, it is rolled back at once.';
COMMENT ON COLUMN provision.job.earlier_failure IS 'The failure after which it was rolled back: {"code", "message", "hint", "step"}.';
COMMENT ON COLUMN provision.job.has_flaw IS 'Some step of it failed, was blocked or skipped: its other steps are checked for what they require.';
COMMENT ON COLUMN provision.job.crash_count IS 'Worker crashes in a row in which it was in flight; a step that completes, or ends without a call, sets it back.';
COMMENT ON COLUMN provision.job.max_wait_ms IS 'Milliseconds it may wait for the first claim of a run, from its option or its workflow; null: for ever.';
COMMENT ON COLUMN provision.job.deadline_ms IS 'Milliseconds a run may take from its first claim, from its option or its workflow; null: no limit.';
COMMENT ON COLUMN provision.job.run_started_at IS 'First claim of this run; a retry begins a new one.';
COMMENT ON COLUMN provision.job.run IS 'Which try of the whole it is: one more with each provision_retry() or provision_continue().';
COMMENT ON COLUMN provision.job.schedule_id IS 'The schedule that started it, which may be gone; null: somebody did.';
COMMENT ON COLUMN provision.job.expires_at IS 'When it fails if it has not started by then; once it has, if it has not ended.';

CREATE TABLE provision.job_step (
    job_id           bigint NOT NULL REFERENCES provision.job ON DELETE CASCADE,
    ordinal          smallint NOT NULL,
    name             text NOT NULL,
    critical         boolean NOT NULL,
    state            text NOT NULL DEFAULT 'waiting',
    attempt_id       bigint,
    is_last_call     boolean NOT NULL DEFAULT false,
    tries            smallint NOT NULL DEFAULT 0,
    furthest         integer NOT NULL DEFAULT 0,
    attempt_count    integer NOT NULL DEFAULT 0,
    calls_done       integer NOT NULL DEFAULT 0,
    calls_total      integer NOT NULL DEFAULT 0,
    weight           integer NOT NULL DEFAULT 1,
    share_done       smallint NOT NULL DEFAULT 0,
    next_attempt_at  timestamptz,
    doubtful_until   timestamptz,
    waits_for        text,
    waits_since      timestamptz,
    answers          jsonb,
    error_code       text,
    error_message    text,
    error_hint       text,
    started_at       timestamptz,
    finished_at      timestamptz,
    result           jsonb,
    PRIMARY KEY (job_id, ordinal),
    CONSTRAINT state_is_known CHECK (state IN ('waiting', 'ready', 'running', 'retrying', 'completed', 'failed', 'skipped', 'blocked', 'undone')),
    CONSTRAINT finished_at_iff_final_state CHECK ((finished_at IS NOT NULL) = (state IN ('completed', 'failed', 'skipped', 'blocked', 'undone'))),
    CONSTRAINT attempt_only_while_running CHECK (attempt_id IS NULL OR state = 'running'),
    CONSTRAINT next_attempt_iff_retrying CHECK ((next_attempt_at IS NOT NULL) = (state = 'retrying')),
    CONSTRAINT waits_only_while_ready CHECK (waits_for IS NULL OR state = 'ready'),
    CONSTRAINT error_if_failed CHECK (state <> 'failed' OR error_code IS NOT NULL)
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000, autovacuum_analyze_scale_factor = 0.05);
CREATE INDEX job_step_waits_for ON provision.job_step (waits_for) WHERE waits_for IS NOT NULL;
COMMENT ON TABLE provision.job_step IS 'How far each step of a job is.';
COMMENT ON COLUMN provision.job_step.critical IS 'That of the step, here too because every round asks for it.';
COMMENT ON COLUMN provision.job_step.attempt_id IS 'The call in flight.';
COMMENT ON COLUMN provision.job_step.is_last_call IS 'The call in flight is certainly the step''s last: its success completes the step without planning again.';
COMMENT ON COLUMN provision.job_step.tries IS 'Failed tries since the step got as far as furthest. Looking again before a repeat does not set it back.';
COMMENT ON COLUMN provision.job_step.furthest IS 'Place in the plan of the call it got furthest to.';
COMMENT ON COLUMN provision.job_step.attempt_count IS 'All calls of this step that were sent.';
COMMENT ON COLUMN provision.job_step.weight IS 'Its share of the job''s progress in thousandths, fixed when the job is started: by how long the steps of its workflow took lately, else by step.weight.';
COMMENT ON COLUMN provision.job_step.share_done IS 'Thousandths of its calls that are done, at most 900 before it has ended. It never falls during a run, though the plan may come to want more calls.';
COMMENT ON COLUMN provision.job_step.doubtful_until IS 'Until then "absent" is not believed, because a lost call may still be at work on the server.';
COMMENT ON COLUMN provision.job_step.waits_for IS 'The exclusion it waits for; a remote job; or signal and its name.';
COMMENT ON COLUMN provision.job_step.waits_since IS 'When it was first found to be held; of an earlier wait where waits_for is null.';
COMMENT ON COLUMN provision.job_step.answers IS 'What its calls were answered so far: {"call": {"verdict", "status", "body"}}, secrets redacted; forgotten when the step ends.';
COMMENT ON COLUMN provision.job_step.result IS 'What its plan concluded with (provision.conclude): an array of findings, or an object for later steps. Forgotten when the step runs again.';

CREATE TABLE provision.remote_kind (
    title           text PRIMARY KEY,
    step_count      integer NOT NULL,
    max_pending_ms  bigint NOT NULL,
    max_running_ms  bigint NOT NULL,
    min_pause_ms    integer NOT NULL DEFAULT 2000,
    max_pause_ms    integer NOT NULL DEFAULT 30000,
    may_be_stopped  boolean NOT NULL DEFAULT false,
    CONSTRAINT step_count_is_positive CHECK (step_count > 0),
    CONSTRAINT pause_is_bounded CHECK (min_pause_ms BETWEEN 1 AND max_pause_ms AND max_pause_ms <= 3600000)
);
COMMENT ON TABLE provision.remote_kind IS 'How long jobs of Frappe Agent and Frappe Cloud may take, by their title; an empty title stands for all others.';
COMMENT ON COLUMN provision.remote_kind.step_count IS 'Steps that such a job usually has, for its progress.';
COMMENT ON COLUMN provision.remote_kind.max_pending_ms IS 'Milliseconds after which a job that has not begun is taken for one that never will: its server lost it.';
COMMENT ON COLUMN provision.remote_kind.max_running_ms IS 'Milliseconds that it may take after that.';
COMMENT ON COLUMN provision.remote_kind.may_be_stopped IS 'Ended while it runs it leaves nothing half-made, so provision_cancel() ends it.';
COMMENT ON COLUMN provision.remote_kind.min_pause_ms IS 'Pause between two looks at a young job; it grows with its age, to a tenth of it, up to max_pause_ms.';
INSERT INTO provision.remote_kind (title, step_count, max_pending_ms, max_running_ms, may_be_stopped) VALUES
    ('',             3, 1800000, 14400000, false),
    ('New Site',     6, 1800000, 14400000, false),
    ('Archive Site', 2, 1800000, 7200000,  false),
    ('Backup Site',  1, 7200000, 18000000, true),
    ('Site Group Deploy', 3, 1800000, 14400000, false);

CREATE TABLE provision.remote_job (
    job_id         bigint NOT NULL REFERENCES provision.job ON DELETE CASCADE,
    ordinal        smallint NOT NULL,
    call           text NOT NULL,
    engine_id      bigint NOT NULL,
    remote_id      text,
    title          text NOT NULL DEFAULT '',
    key            text NOT NULL,
    status         text NOT NULL DEFAULT 'Pending',
    steps_done     integer NOT NULL DEFAULT 0,
    calls_before   integer NOT NULL DEFAULT 0,
    answer         jsonb,
    is_large       boolean NOT NULL DEFAULT false,
    until_gone     boolean NOT NULL DEFAULT false,
    submitted_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
    running_since  timestamptz,
    next_poll_at   timestamptz NOT NULL,
    asked_at       timestamptz,
    ended_at       timestamptz,
    PRIMARY KEY (job_id, ordinal, call),
    CONSTRAINT number_unless_submitted CHECK (remote_id IS NOT NULL OR status IN ('Submitted', 'Withdrawn', 'Left')),
    CONSTRAINT status_is_known CHECK (status IN ('Submitted', 'Pending', 'Running', 'Success', 'Failure', 'Overdue', 'Lost', 'Withdrawn', 'Left'))
) WITH (fillfactor = 50);
CREATE INDEX remote_job_open ON provision.remote_job (engine_id, next_poll_at) WHERE ended_at IS NULL;
COMMENT ON TABLE provision.remote_job IS 'Jobs of Frappe Agent or Frappe Cloud that a step has submitted and waits for; nobody holds a worker or a slot meanwhile. Of Agent each open row is one of its engine''s max_jobs places. One request asks for many of them.';
COMMENT ON COLUMN provision.remote_job.call IS 'The call that waits for it.';
COMMENT ON COLUMN provision.remote_job.remote_id IS 'Its number or name on its server; null while that is not known.';
COMMENT ON COLUMN provision.remote_job.key IS 'Its correlation key; a job of the same number with another key is somebody else''s. Frappe Cloud knows no keys: there it is remote_id again.';
COMMENT ON COLUMN provision.remote_job.calls_before IS 'Calls its step had done before, to which the job''s steps are added.';
COMMENT ON COLUMN provision.remote_job.answer IS 'What provision.digest() left of its end.';
COMMENT ON COLUMN provision.remote_job.is_large IS 'An answer with it was too large: it is asked for alone.';
COMMENT ON COLUMN provision.remote_job.until_gone IS 'It is a site that is to go: that its server knows it no more is how that ends well.';
COMMENT ON COLUMN provision.remote_job.status IS 'As its server tells it; Submitted: about to be, and its number not known yet; Overdue: it took too long; Lost: its server knows it no more; Withdrawn: our job was cancelled before it began; Left: our job ended, and it goes on.';
COMMENT ON COLUMN provision.remote_job.asked_at IS 'When its server was last asked; null: not yet.';
COMMENT ON COLUMN provision.remote_job.next_poll_at IS 'When its server is asked again, unless its answer is on its way by then.';

CREATE TABLE provision.exclusion (
    exclusion  text PRIMARY KEY,
    job_id     bigint NOT NULL REFERENCES provision.job ON DELETE CASCADE,
    ordinal    smallint NOT NULL,
    since      timestamptz NOT NULL DEFAULT clock_timestamp()
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 200);
COMMENT ON TABLE provision.exclusion IS 'Steps that keep others with the same word off the same site of an engine while they run.';

CREATE TABLE provision.key_wait (
    job_id  bigint PRIMARY KEY REFERENCES provision.job ON DELETE CASCADE,
    reason  text NOT NULL,
    since   timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON TABLE provision.key_wait IS 'Jobs whose credentials could not be opened. Each is scheduled for an hour later, more or less, and due at once when the keys change.';

CREATE TABLE provision.attempt (
    attempt_id       bigint GENERATED ALWAYS AS IDENTITY (CACHE 100) PRIMARY KEY,
    job_id           bigint NOT NULL,
    ordinal          smallint NOT NULL,
    engine_id        bigint NOT NULL,
    incarnation      bigint NOT NULL,
    call             text NOT NULL,
    method           text NOT NULL,
    url              text NOT NULL,
    guard            text,
    repeatable       boolean NOT NULL,
    learn            jsonb,
    only_looks       boolean NOT NULL DEFAULT false,
    creates          jsonb,
    refusable        boolean NOT NULL DEFAULT false,
    seals            jsonb,
    auth             text,
    request_body     jsonb,
    timeout_ms       integer NOT NULL,
    started_at       timestamptz NOT NULL,
    finished_at      timestamptz,
    delivery         text,
    verdict          text,
    http_status      smallint,
    curl_code        smallint,
    exc_type         text,
    error_code       text,
    error_detail     text,
    response_excerpt text,
    duration_ms      integer,
    dns_ms           integer,
    connect_ms       integer,
    tls_ms           integer,
    first_byte_ms    integer,
    CONSTRAINT delivery_is_one_of_three CHECK (delivery IN ('not_sent', 'unknown', 'answered')),
    CONSTRAINT finished_at_iff_outcome CHECK ((finished_at IS NULL) = (delivery IS NULL) AND (finished_at IS NULL) = (verdict IS NULL)),
    CONSTRAINT status_only_if_sent CHECK (http_status IS NULL OR delivery <> 'not_sent')
) WITH (fillfactor = 60, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000, autovacuum_analyze_scale_factor = 0.05);
CREATE INDEX attempt_of_job ON provision.attempt (job_id, attempt_id);
CREATE INDEX attempt_by_time ON provision.attempt USING brin (started_at);
COMMENT ON TABLE provision.attempt IS 'One try at a call: written before its first byte is sent, completed when its outcome is known. Kept for provision.retention.';
COMMENT ON COLUMN provision.attempt.only_looks IS 'It changes nothing on the server: a GET, or a repeatable call of effort read. May be ended at any time.';
COMMENT ON COLUMN provision.attempt.creates IS 'What the call makes; see provision.call.';
COMMENT ON COLUMN provision.attempt.refusable IS 'A permanent refusal does not fail the step.';
COMMENT ON COLUMN provision.attempt.seals IS 'What is sealed of its answer, of which nothing else is kept; auth: whose credentials it carried. See provision.call.';
COMMENT ON COLUMN provision.attempt.request_body IS 'As sent, secrets redacted.';
COMMENT ON COLUMN provision.attempt.verdict IS 'What its answer meant (answer_rule), or crashed when its worker died before the answer was recorded.';
COMMENT ON COLUMN provision.attempt.error_detail IS 'The server''s own message, or what went wrong in transport; redacted.';
COMMENT ON COLUMN provision.attempt.response_excerpt IS 'First 1,000 characters of the body; redacted.';

CREATE TABLE provision.creation (
    creation_id   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    job_id        bigint NOT NULL REFERENCES provision.job ON DELETE CASCADE,
    ordinal       smallint NOT NULL,
    attempt_id    bigint NOT NULL,
    call          text NOT NULL,
    kind          text NOT NULL,
    name          text,
    creates       jsonb NOT NULL,
    look          jsonb,
    known_before  text[] NOT NULL DEFAULT '{}',
    made_at       timestamptz,
    undone_at     timestamptz,
    kept          boolean NOT NULL DEFAULT false,
    left_reason   text,
    CONSTRAINT made_at_iff_named CHECK ((made_at IS NOT NULL) = (name IS NOT NULL)),
    CONSTRAINT kept_is_not_undone CHECK (NOT (kept AND undone_at IS NOT NULL)),
    CONSTRAINT kept_has_a_reason CHECK (NOT kept OR left_reason IS NOT NULL)
) WITH (fillfactor = 70);
CREATE INDEX creation_of_job ON provision.creation (job_id, ordinal);
COMMENT ON TABLE provision.creation IS 'What jobs made on their servers, and nothing else: a row is written before the call is sent, named when its answer says so, removed when nothing was made. A rollback undoes these. Kept as long as the job.';
COMMENT ON COLUMN provision.creation.attempt_id IS 'The attempt that made it; its row may be gone after provision.retention.';
COMMENT ON COLUMN provision.creation.kind IS 'DocType, or another word the undo function of the step understands.';
COMMENT ON COLUMN provision.creation.name IS 'Null: sent, and not known whether anything was made; a rollback asks "look" and takes what was not known_before.';
COMMENT ON COLUMN provision.creation.creates IS 'As the call declared it; see provision.call.';
COMMENT ON COLUMN provision.creation.look IS 'The guard''s request: {"method", "path", "body"}; null: the call had no guard.';
COMMENT ON COLUMN provision.creation.known_before IS 'Names in the guard''s answer before the call was sent.';
COMMENT ON COLUMN provision.creation.undone_at IS 'When it was proven gone.';
COMMENT ON COLUMN provision.creation.kept IS 'Belongs to the whole site and is left on purpose, because others use it.';
COMMENT ON COLUMN provision.creation.left_reason IS 'Why the last rollback left it; the server''s own words where it has some.';

CREATE TABLE provision.event (
    event_id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at              timestamptz NOT NULL DEFAULT clock_timestamp(),
    job_id          bigint,
    tenant          text,
    engine          text,
    step            text,
    actor           text NOT NULL DEFAULT provision.actor(),
    event           text NOT NULL,
    from_state      text,
    to_state        text,
    detail          jsonb,
    correlation_id  text,
    via             text DEFAULT provision.actor_via()
);
CREATE INDEX event_of_job ON provision.event (job_id, event_id);
CREATE INDEX event_by_time ON provision.event USING brin (at);
COMMENT ON TABLE provision.event IS 'Every change of state and every action, written in the same transaction. Kept for provision.retention.';
COMMENT ON COLUMN provision.event.actor IS 'Who did it; see provision.actor().';
COMMENT ON COLUMN provision.event.via IS 'The role that connected, where it is not the actor itself.';
