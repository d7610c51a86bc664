/*
 * wakeup.c
 *		Waking the workers of this database when a transaction commits.
 *
 * The callback is registered once per process; a flag says whether the
 * present transaction wants anything.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/dependency.h"
#include "catalog/objectaccess.h"
#include "catalog/pg_extension.h"
#include "commands/extension.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "storage/proc.h"

#include "background.h"
#include "compat.h"
#include "shared.h"
#include "wakeup.h"

static bool wake_wanted = false;
static bool start_wanted = false;
static object_access_hook_type previous_access_hook = NULL;

/*
 * Background workers of this database, ours among them, are few, and a latch
 * may be set without reason: so nobody has to know which process is which.
 */
void
provision_wakeup_workers_of(Oid database)
{
	for (uint32 i = 0; i < ProcGlobal->allProcCount; i++)
	{
		PGPROC	   *proc = &ProcGlobal->allProcs[i];

		if (proc->pid != 0 && proc->databaseId == database && is_auxiliary_backend(proc))
			SetLatch(&proc->procLatch);
	}
}

static void
start_worker_now(void)
{
	if (provision_shared_exists())
		provision_shared_tell(ASKED_FOR);
	else
		provision_background_start_lone_worker(MyDatabaseId);
}

static void
act_at_end_of_transaction(XactEvent event, void *arg)
{
	if (event == XACT_EVENT_COMMIT)
	{
		if (wake_wanted)
			provision_wakeup_workers_of(MyDatabaseId);
		if (start_wanted)
			start_worker_now();
	}
	if (event == XACT_EVENT_COMMIT || event == XACT_EVENT_ABORT || event == XACT_EVENT_PREPARE)
		wake_wanted = start_wanted = false;
}

static void
register_callback_once(void)
{
	static bool registered = false;

	if (!registered)
		RegisterXactCallback(act_at_end_of_transaction, NULL);
	registered = true;
}

void
provision_wakeup_at_commit(void)
{
	register_callback_once();
	wake_wanted = true;
}

void
provision_wakeup_start_at_commit(void)
{
	register_callback_once();
	start_wanted = true;
}

static void
notice_dropped_extension(ObjectAccessType access, Oid classId, Oid objectId, int subId, void *arg)
{
	if (previous_access_hook)
		previous_access_hook(access, classId, objectId, subId, arg);
	if (access == OAT_DROP && classId == ExtensionRelationId &&
		objectId == get_extension_oid("provision", true))
		provision_wakeup_at_commit();
}

void
provision_wakeup_watch_drops(void)
{
	previous_access_hook = object_access_hook;
	object_access_hook = notice_dropped_extension;
}

PG_FUNCTION_INFO_V1(provision_wake_workers);
Datum
provision_wake_workers(PG_FUNCTION_ARGS)
{
	provision_wakeup_at_commit();
	PG_RETURN_VOID();
}

/*
 * start_worker(even_without_launcher): false when there is no launcher to ask
 * and the caller does not want a worker of its own.
 */
PG_FUNCTION_INFO_V1(provision_start_worker);
Datum
provision_start_worker(PG_FUNCTION_ARGS)
{
	bool		even_without_launcher = PG_GETARG_BOOL(0);

	if (!provision_shared_exists() && !even_without_launcher)
		PG_RETURN_BOOL(false);
	provision_wakeup_start_at_commit();
	PG_RETURN_BOOL(true);
}
