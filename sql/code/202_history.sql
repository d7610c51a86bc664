-- Events and seals are written once. Retention alone removes them, in functions that carry the setting which the guard asks for; no role but
-- a superuser can set it otherwise.

CREATE OR REPLACE FUNCTION provision.begin_events() RETURNS trigger
    AS 'MODULE_PATHNAME', 'provision_begin_events' LANGUAGE C;
COMMENT ON FUNCTION provision.begin_events() IS 'Before events get their numbers the transaction gets its own: see provision.sealable_through().';

CREATE OR REPLACE FUNCTION provision.guard_history() RETURNS trigger
    AS 'MODULE_PATHNAME', 'provision_guard_history' LANGUAGE C;
COMMENT ON FUNCTION provision.guard_history() IS 'Error PV007 for what changes or removes history, unless provision.may_change_history is on.';

CREATE OR REPLACE TRIGGER begin_events
    BEFORE INSERT ON provision.event
    FOR EACH STATEMENT EXECUTE FUNCTION provision.begin_events();

CREATE OR REPLACE TRIGGER guard_history
    BEFORE UPDATE OR DELETE OR TRUNCATE ON provision.event
    FOR EACH STATEMENT EXECUTE FUNCTION provision.guard_history();

CREATE OR REPLACE TRIGGER guard_history
    BEFORE UPDATE OR DELETE OR TRUNCATE ON provision.audit_seal
    FOR EACH STATEMENT EXECUTE FUNCTION provision.guard_history();
