-- Who belongs to which tenant, and who acts: columns of later tables are filled by the two functions.

CREATE FUNCTION provision.actor() RETURNS text
    AS 'MODULE_PATHNAME', 'provision_actor' LANGUAGE C STABLE PARALLEL SAFE;
COMMENT ON FUNCTION provision.actor()
    IS 'Who acts: the user that provision_act_as() named for this transaction, else the role of the session as SET ROLE left it, also inside of SECURITY DEFINER functions.';

CREATE FUNCTION provision.actor_via() RETURNS text
    AS 'MODULE_PATHNAME', 'provision_actor_via' LANGUAGE C STABLE PARALLEL SAFE;
COMMENT ON FUNCTION provision.actor_via() IS 'The role that connected, where it is not the actor itself; else null.';

CREATE TABLE provision.member (
    tenant_id  bigint REFERENCES provision.tenant ON DELETE CASCADE,
    member     name NOT NULL,
    role       text NOT NULL,
    added_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
    added_by   text NOT NULL DEFAULT provision.actor(),
    CONSTRAINT one_role_for_each_tenant UNIQUE NULLS NOT DISTINCT (tenant_id, member),
    CONSTRAINT role_is_known CHECK (role IN ('owner', 'admin', 'member')),
    CONSTRAINT member_was_not_cut CHECK (octet_length(member) BETWEEN 1 AND 59)
);
CREATE INDEX member_by_name ON provision.member (member);
COMMENT ON TABLE provision.member IS 'Who may do what: roles of PostgreSQL and users of applications, each with one role for each tenant. Written by provision_member_add and _remove.';
COMMENT ON COLUMN provision.member.tenant_id IS 'Null: every tenant. An owner or admin of every tenant is a platform administrator.';
COMMENT ON COLUMN provision.member.member IS 'A role of PostgreSQL, or a user of an application for whom another role acts. At most 59 bytes: of a longer name PostgreSQL may have cut the end, which two users can have in common.';
COMMENT ON COLUMN provision.member.role IS 'owner: also manages members; admin: acts on jobs; member: looks.';
