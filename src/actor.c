/*
 * actor.c
 *		Who acts: the user for whom this transaction acts, else the role of the
 *		session as SET ROLE left it.
 *
 * Not the current user, which inside of a SECURITY DEFINER function is the
 * function's owner: nobody lends authority by writing such a function.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_auth_members.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/catcache.h"
#include "utils/guc.h"
#include "utils/inet.h"
#include "utils/syscache.h"

#include "actor.h"

char	   *provision_acting_role = NULL;
char	   *provision_acting_user = NULL;
char	   *provision_acting_client = NULL;

/* A worker does what was asked for earlier with the authority of whoever asked, as it is now. */
static bool
acts_again(void)
{
	return provision_acting_role != NULL && provision_acting_role[0] != '\0' && !InSecurityRestrictedOperation();
}

/*
 * The role that acts; InvalidOid: none. While a materialized view is
 * refreshed, or an index is built, somebody else's code runs in the session of
 * whoever does that: it has the authority of its own role, and none inside of
 * functions that run with their owner's rights, where its role is not known.
 */
static Oid
acting_role(void)
{
	if (acts_again())
		return get_role_oid(provision_acting_role, true);
	if (!InSecurityRestrictedOperation())
		return GetOuterUserId();
	return InLocalUserIdChange() ? InvalidOid : GetUserId();
}

static bool
acts_for_somebody(void)
{
	return provision_acting_user != NULL && provision_acting_user[0] != '\0' && !InSecurityRestrictedOperation();
}

static Datum
role_name(Oid role)
{
	return CStringGetTextDatum(GetUserNameFromId(role, false));
}

/* The name under which is recorded what is done. */
PG_FUNCTION_INFO_V1(provision_actor);
Datum
provision_actor(PG_FUNCTION_ARGS)
{
	Oid			role = acting_role();

	if (acts_for_somebody())
		PG_RETURN_TEXT_P(cstring_to_text(provision_acting_user));
	PG_RETURN_DATUM(role_name(OidIsValid(role) ? role : GetOuterUserId()));
}

/* The user who is acted for, null when the session's role acts for itself. */
PG_FUNCTION_INFO_V1(provision_actor_user);
Datum
provision_actor_user(PG_FUNCTION_ARGS)
{
	if (!acts_for_somebody())
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(provision_acting_user));
}

/* The role with whose rights it is done, whoever it acts for. */
PG_FUNCTION_INFO_V1(provision_actor_role);
Datum
provision_actor_role(PG_FUNCTION_ARGS)
{
	Oid			role = acting_role();

	if (!OidIsValid(role))
		PG_RETURN_NULL();
	PG_RETURN_DATUM(role_name(role));
}

/* The role that connected, null when it is the actor. */
PG_FUNCTION_INFO_V1(provision_actor_via);
Datum
provision_actor_via(PG_FUNCTION_ARGS)
{
	if (!acts_for_somebody() && acting_role() == GetSessionUserId())
		PG_RETURN_NULL();
	PG_RETURN_DATUM(role_name(GetSessionUserId()));
}

/* The address that was given with the acting user, null without. */
PG_FUNCTION_INFO_V1(provision_actor_client);
Datum
provision_actor_client(PG_FUNCTION_ARGS)
{
	if (!acts_for_somebody() || provision_acting_client == NULL || provision_acting_client[0] == '\0')
		PG_RETURN_NULL();
	PG_RETURN_DATUM(DirectFunctionCall1(inet_in, CStringGetDatum(provision_acting_client)));
}

/*
 * Has the session's role the rights of this function's owner, who is that of
 * the extension? Superusers have.
 */
PG_FUNCTION_INFO_V1(provision_actor_owns);
Datum
provision_actor_owns(PG_FUNCTION_ARGS)
{
	Oid			role = acting_role();
	HeapTuple	function = SearchSysCache1(PROCOID, ObjectIdGetDatum(fcinfo->flinfo->fn_oid));
	Oid			owner;

	if (!HeapTupleIsValid(function))
		elog(ERROR, "cache lookup failed for function %u", fcinfo->flinfo->fn_oid);
	owner = ((Form_pg_proc) GETSTRUCT(function))->proowner;
	ReleaseSysCache(function);
	PG_RETURN_BOOL(OidIsValid(role) && has_privs_of_role(role, owner));
}

/* May the session's role read files of the server? */
PG_FUNCTION_INFO_V1(provision_actor_reads_files);
Datum
provision_actor_reads_files(PG_FUNCTION_ARGS)
{
	Oid			role = acting_role();

	PG_RETURN_BOOL(OidIsValid(role) && has_privs_of_role(role, ROLE_PG_READ_SERVER_FILES));
}

/* Every role that was granted to the given one, by whatever way. */
static List *
granted_roles(Oid role)
{
	List	   *found = list_make1_oid(role);
	ListCell   *cell;

	foreach(cell, found)		/* grows meanwhile */
	{
		CatCList   *grants = SearchSysCacheList1(AUTHMEMMEMROLE, ObjectIdGetDatum(lfirst_oid(cell)));

		for (int i = 0; i < grants->n_members; i++)
		{
			Form_pg_auth_members grant = (Form_pg_auth_members) GETSTRUCT(&grants->members[i]->tuple);

			found = list_append_unique_oid(found, grant->roleid);
		}
		ReleaseCatCacheList(grants);
	}
	return found;
}

/*
 * Names of the roles whose rights the session's role has: which of the
 * granted ones those are, PostgreSQL says.
 */
PG_FUNCTION_INFO_V1(provision_actor_roles);
Datum
provision_actor_roles(PG_FUNCTION_ARGS)
{
	Oid			role = acting_role();
	List	   *candidates = OidIsValid(role) ? granted_roles(role) : NIL;
	Datum	   *names = palloc(sizeof(Datum) * (list_length(candidates) + 1));
	int			count = 0;
	ListCell   *cell;

	foreach(cell, candidates)
	{
		char	   *name = GetUserNameFromId(lfirst_oid(cell), true);

		if (name != NULL && has_privs_of_role(role, lfirst_oid(cell)))
			names[count++] = DirectFunctionCall1(namein, CStringGetDatum(name));
	}
	PG_RETURN_ARRAYTYPE_P(construct_array(names, count, NAMEOID, NAMEDATALEN, false, TYPALIGN_CHAR));
}

/* Until the end of the transaction, or of the savepoint it is rolled back to. */
static void
set_for_transaction(const char *setting, const char *value)
{
	(void) set_config_option(setting, value, PGC_SUSET, PGC_S_SESSION, GUC_ACTION_LOCAL, true, 0, false);
}

/*
 * provision_act_as(member, client_address): the right to call it is the right
 * to act for others. What they may do, the table of members says.
 */
PG_FUNCTION_INFO_V1(provision_actor_become);
Datum
provision_actor_become(PG_FUNCTION_ARGS)
{
	if (PG_ARGISNULL(0) || NameStr(*PG_GETARG_NAME(0))[0] == '\0')
		ereport(ERROR,
				errcode(ERRCODE_INVALID_NAME),
				errmsg("acting user must have a name"),
				errhint("An acting user stays until the transaction ends."));
	if (!IsTransactionBlock())
		ereport(WARNING,
				errcode(ERRCODE_NO_ACTIVE_SQL_TRANSACTION),
				errmsg("there is no transaction block: the acting user is forgotten when this statement ends"));
	set_for_transaction("provision.acting_user", NameStr(*PG_GETARG_NAME(0)));
	set_for_transaction("provision.acting_client",
						PG_ARGISNULL(1) ? "" : DatumGetCString(DirectFunctionCall1(inet_out, PG_GETARG_DATUM(1))));
	PG_RETURN_VOID();
}

/*
 * act_again(role, member): until the end of the transaction, or of the
 * function that sets these settings itself, what that role asked for earlier
 * is done, for that member if there is one. Unlike provision_act_as() it can
 * give any authority, so that the right to call it is not enough: whoever does
 * must have that authority already, as the worker has.
 */
PG_FUNCTION_INFO_V1(provision_actor_again);
Datum
provision_actor_again(PG_FUNCTION_ARGS)
{
	char	   *role = NameStr(*PG_GETARG_NAME(0));

	if (!superuser())
		ereport(ERROR,
				errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				errmsg("permission denied to act as role \"%s\"", role));
	if (!OidIsValid(get_role_oid(role, true)))
		ereport(ERROR,
				errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				errmsg("role \"%s\" does not exist any more", role));
	set_for_transaction("provision.acting_role", role);
	set_for_transaction("provision.acting_user", PG_ARGISNULL(1) ? "" : NameStr(*PG_GETARG_NAME(1)));
	PG_RETURN_VOID();
}
