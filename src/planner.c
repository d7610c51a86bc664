/*
 * planner.c
 *		The rights of plan functions: those of a role that may do nothing.
 *
 * The worker is a superuser, and calls whatever functions the rows of a
 * workflow name. So it does what PostgreSQL does for the functions of an
 * index: they run as another role, in a context that lets them neither change
 * back nor leave anything behind.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/objectaccess.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_proc.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/regproc.h"

#include "compat.h"
#include "planner.h"

#define PLANNER_ROLE "provision_planner"

static bool is_planning = false;
static object_access_hook_type previous_access_hook = NULL;

/* VOLATILE only because each call has another result, or takes time. */
static bool
is_harmless(Oid function)
{
	static const char *const names[] = {
		"clock_timestamp", "gen_random_uuid", "pg_sleep", "pg_sleep_for", "pg_sleep_until", "random", "random_normal",
		"timeofday", "uuidv4", "uuidv7",
	};
	char	   *name = get_func_name(function);

	if (get_func_namespace(function) != PG_CATALOG_NAMESPACE)
		return false;
	for (size_t i = 0; i < lengthof(names); i++)
		if (strcmp(name, names[i]) == 0)
			return true;
	return false;
}

/* Whoever may create functions in our schema owns the extension. */
static bool
is_ours(Oid function)
{
	return get_func_namespace(function) == get_namespace_oid("provision", true);
}

/*
 * What everybody may call can do harm in a worker: pg_advisory_unlock_all()
 * would let its jobs go, pg_notify() would speak with its voice. A function
 * that is not VOLATILE has no effect, which PostgreSQL sees to: its statements
 * only read. So that is asked of all functions, whoever wrote them.
 */
static void
refuse_side_effects(ObjectAccessType access, Oid class_id, Oid object_id, int sub_id, void *argument)
{
	if (previous_access_hook)
		previous_access_hook(access, class_id, object_id, sub_id, argument);
	if (!is_planning || access != OAT_FUNCTION_EXECUTE || func_volatile(object_id) != PROVOLATILE_VOLATILE)
		return;
	if (!is_harmless(object_id) && !is_ours(object_id))
		ereport(ERROR,
				errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				errmsg("VOLATILE function %s cannot be called in a plan", format_procedure_qualified(object_id)),
				errhint("Plan functions only read. Declare them, and the functions they call, STABLE or IMMUTABLE."));
}

static void
watch_functions_once(void)
{
	static bool is_watching = false;

	if (is_watching)
		return;
	previous_access_hook = object_access_hook;
	object_access_hook = refuse_side_effects;
	is_watching = true;
}

static void
refuse_role(const char *problem)
{
	ereport(ERROR,
			errcode(MAKE_SQLSTATE('P', 'V', '2', '0', '4')),
			errmsg("no plan function can run: role \"%s\" %s", PLANNER_ROLE, problem),
			errhint("SELECT * FROM provision.planner_problem() says what to do."));
}

static Oid
planner_role(void)
{
	Oid			role = get_role_oid(PLANNER_ROLE, true);

	if (!OidIsValid(role))
		refuse_role("does not exist");
	if (superuser_arg(role))
		refuse_role("is a superuser");
	if (!may_use_schema(get_namespace_oid("provision", false), role))
		refuse_role("has no right to use schema provision");
	return role;
}

void
provision_planner_begin(PlannerSwitch *before)
{
	Oid			role = planner_role();

	watch_functions_once();
	GetUserIdAndSecContext(&before->user, &before->security_context);
	before->was_planning = is_planning;
	before->settings_level = NewGUCNestLevel();
	SetUserIdAndSecContext(role, before->security_context | SECURITY_LOCAL_USERID_CHANGE | SECURITY_RESTRICTED_OPERATION);
	is_planning = true;
}

/* Also while an error is on its way: a subtransaction would not reset is_planning. */
void
provision_planner_end(const PlannerSwitch *before)
{
	is_planning = before->was_planning;
	AtEOXact_GUC(false, before->settings_level);
	SetUserIdAndSecContext(before->user, before->security_context);
}
