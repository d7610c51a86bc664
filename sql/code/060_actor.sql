-- Who acts (provision.actor() is declared with the tables that record it), and acting for somebody else.

CREATE OR REPLACE FUNCTION provision.actor_user() RETURNS text
    AS 'MODULE_PATHNAME', 'provision_actor_user' LANGUAGE C STABLE PARALLEL SAFE;
COMMENT ON FUNCTION provision.actor_user() IS 'The user for whom this transaction acts, as provision_act_as() set it; null: the role of the session acts for itself.';

CREATE OR REPLACE FUNCTION provision.actor_role() RETURNS text
    AS 'MODULE_PATHNAME', 'provision_actor_role' LANGUAGE C STABLE PARALLEL SAFE;
COMMENT ON FUNCTION provision.actor_role() IS 'The role with whose rights something is done, whoever it acts for; null: none.';

CREATE OR REPLACE FUNCTION provision.act_again(role name, member name) RETURNS void
    AS 'MODULE_PATHNAME', 'provision_actor_again' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION provision.act_again(name, name)
    IS 'What follows is done as that role, and for that member (null: for itself), with the authority they have now: for functions that set provision.acting_role and provision.acting_user themselves, at whose end it is over. Error: 42501 there is no such role any more.';

CREATE OR REPLACE FUNCTION provision.actor_roles() RETURNS name[]
    AS 'MODULE_PATHNAME', 'provision_actor_roles' LANGUAGE C STABLE PARALLEL SAFE;
COMMENT ON FUNCTION provision.actor_roles() IS 'The role of the session and every role whose rights it has, whoever it acts for.';

CREATE OR REPLACE FUNCTION provision.actor_owns() RETURNS boolean
    AS 'MODULE_PATHNAME', 'provision_actor_owns' LANGUAGE C STABLE PARALLEL SAFE;
COMMENT ON FUNCTION provision.actor_owns() IS 'The role of the session has the rights of the extension''s owner, as superusers have; whoever it acts for.';

CREATE OR REPLACE FUNCTION provision.actor_reads_files() RETURNS boolean
    AS 'MODULE_PATHNAME', 'provision_actor_reads_files' LANGUAGE C STABLE PARALLEL SAFE;
COMMENT ON FUNCTION provision.actor_reads_files() IS 'The role of the session may read files of the database server: it has the rights of pg_read_server_files, as superusers have; whoever it acts for.';

CREATE OR REPLACE FUNCTION provision.actor_given_client() RETURNS inet
    AS 'MODULE_PATHNAME', 'provision_actor_client' LANGUAGE C STABLE PARALLEL SAFE;
COMMENT ON FUNCTION provision.actor_given_client() IS 'The client address that was given to provision_act_as(); null without.';

CREATE OR REPLACE FUNCTION provision.actor_client()
    RETURNS inet
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT coalesce(provision.actor_given_client(), inet_client_addr());
END;
COMMENT ON FUNCTION provision.actor_client() IS 'Network address of who acts: as the application gave it, else that of the connection; null on a Unix socket.';

CREATE OR REPLACE FUNCTION provision.actor_names()
    RETURNS name[]
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT CASE WHEN provision.actor_user() IS NULL THEN provision.actor_roles() ELSE ARRAY[provision.actor_user()::name] END;
END;
COMMENT ON FUNCTION provision.actor_names() IS 'The names whose memberships count for who acts. A role that is named like an acting user, and what it was granted, does not.';

CREATE OR REPLACE FUNCTION provision.actor_in_words()
    RETURNS text
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT CASE WHEN provision.actor_user() IS NULL THEN format('Who acts is role "%s".', provision.actor())
                ELSE format('Who acts is user "%s", through role "%s".', provision.actor(), provision.actor_via()) END;
END;
COMMENT ON FUNCTION provision.actor_in_words() IS 'A sentence for the DETAIL of a refusal.';

CREATE OR REPLACE FUNCTION @extschema@.provision_act_as(member name, client_address inet DEFAULT NULL) RETURNS void
    AS 'MODULE_PATHNAME', 'provision_actor_become' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION @extschema@.provision_act_as(name, inet) IS
    'Until the end of this transaction what is called is done by this user of an application, with the authority that provision_member_add() gave to exactly this name; events name it and the role that connected. client_address: where the user''s request came from. Grant it only to roles that check who their users are. A WARNING when there is no transaction block. Error: 42602 no name.';
