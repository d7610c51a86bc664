-- What is known of callers while requests are limited: the copy of a table in shared memory, which it outlives.

CREATE TABLE provision.caller (
    place        integer PRIMARY KEY,
    kind         text NOT NULL,
    name         text NOT NULL,
    slice_ms     integer NOT NULL,
    slice        bigint NOT NULL,
    counts       integer[] NOT NULL,
    offences     integer NOT NULL,
    waits_until  timestamptz NOT NULL,
    over_at      timestamptz NOT NULL,
    CONSTRAINT kind_is_known CHECK (kind IN ('tenant', 'role', 'user', 'address'))
) WITH (fillfactor = 50);
COMMENT ON TABLE provision.caller IS 'Who made how many requests while provision.tenant_requests, provision.actor_requests or provision.address_requests limit them. Written by the worker within a second or so, read after a restart of the server; at most 8,192 rows. Not dumped.';
COMMENT ON COLUMN provision.caller.place IS 'In shared memory.';
COMMENT ON COLUMN provision.caller.kind IS 'tenant; role; user, for whom a role acts; address.';
COMMENT ON COLUMN provision.caller.slice_ms IS 'Length of a slice of the window in milliseconds.';
COMMENT ON COLUMN provision.caller.slice IS 'Number of the newest slice since 2000.';
COMMENT ON COLUMN provision.caller.counts IS 'Requests in the last 11 slices: of slice n at n % 11, counted from 0.';
COMMENT ON COLUMN provision.caller.offences IS 'How often the limit was exceeded in a row; each window of good conduct takes one away.';
COMMENT ON COLUMN provision.caller.waits_until IS 'Until then every request is refused; in the past: none is for that reason.';
COMMENT ON COLUMN provision.caller.over_at IS 'When nothing is to be remembered any more.';
