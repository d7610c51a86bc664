-- The chain of hashes over provision.event: each seal holds the hash of the one before it, so that no old event can be changed, added or
-- removed without changing every seal since.

CREATE TABLE provision.audit_seal (
    seal             bigint PRIMARY KEY,
    after_event      bigint NOT NULL,
    through_event    bigint NOT NULL,
    event_count      bigint NOT NULL,
    digest           bytea NOT NULL,
    removes          int8multirange,
    forgets_through  bigint,
    sealed_at        timestamptz NOT NULL,
    previous_hash    bytea NOT NULL,
    hash             bytea NOT NULL,
    removed_in       bigint
);
CREATE INDEX audit_seal_with_events ON provision.audit_seal (seal) WHERE removed_in IS NULL AND event_count > 0;
COMMENT ON TABLE provision.audit_seal IS 'The hash chain of events while provision.audit_chain is on: a row for up to 1,000 events, or for what retention removed. Only grows, but for retention. provision_audit_verify() checks it.';
COMMENT ON COLUMN provision.audit_seal.seal IS 'Numbered without gaps.';
COMMENT ON COLUMN provision.audit_seal.after_event IS 'The events it seals are those with an event_id above this, up to through_event.';
COMMENT ON COLUMN provision.audit_seal.digest IS 'SHA-256 of the texts of its events, see provision.event_text().';
COMMENT ON COLUMN provision.audit_seal.removes IS 'Retention removed the events of these seals.';
COMMENT ON COLUMN provision.audit_seal.forgets_through IS 'Retention removed the seals themselves up to this one, which were too old and had no events left.';
COMMENT ON COLUMN provision.audit_seal.hash IS 'SHA-256 of provision.seal_text(), which holds previous_hash: the one value that vouches for everything before it.';
COMMENT ON COLUMN provision.audit_seal.removed_in IS 'The seal that tells of the removal of its events; null: they must be there. The only column that is changed, and not part of the hash.';

-- Known only to this cluster, and therefore in no dump: without a row the next look begins anew.
CREATE TABLE provision.audit_horizon (
    only_row       boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    through_event  bigint NOT NULL,
    horizon        xid8 NOT NULL
);
COMMENT ON TABLE provision.audit_horizon IS 'How far events can be sealed next: those up to through_event, once all transactions before horizon are over.';
