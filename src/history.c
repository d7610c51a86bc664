/*
 * history.c
 *		Triggers of the tables that are written once.
 */
#include "postgres.h"

#include "access/transam.h"
#include "access/xact.h"
#include "commands/trigger.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/rel.h"
#include "utils/xid8.h"

#include "settings.h"
#include "wakeup.h"

/*
 * Who takes a number of an event has a transaction number already: so all
 * events up to a number are there or never will be, once the transactions
 * that began before that number was read are over.
 */
PG_FUNCTION_INFO_V1(provision_begin_events);
Datum
provision_begin_events(PG_FUNCTION_ARGS)
{
	if (!CALLED_AS_TRIGGER(fcinfo))
		elog(ERROR, "begin_events() must be called as a trigger");
	(void) GetTopTransactionId();
	if (provision_audit_chain && MyBackendType != B_BG_WORKER)
		provision_wakeup_at_commit();	/* who seals */
	PG_RETURN_POINTER(NULL);
}

PG_FUNCTION_INFO_V1(provision_guard_history);
Datum
provision_guard_history(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;

	if (!CALLED_AS_TRIGGER(fcinfo))
		elog(ERROR, "guard_history() must be called as a trigger");
	if (!provision_may_change_history)
		ereport(ERROR,
				errcode(MAKE_SQLSTATE('P', 'V', '0', '0', '7')),
				errmsg("table \"%s\" cannot be changed: it is history", RelationGetRelationName(trigger->tg_relation)),
				errdetail("Rows are only added, and removed by age."),
				errhint("provision_purge() removes what is old."));
	PG_RETURN_POINTER(NULL);
}

/* next_transaction(): every transaction that has a number now has a lower one. */
PG_FUNCTION_INFO_V1(provision_next_transaction);
Datum
provision_next_transaction(PG_FUNCTION_ARGS)
{
	PG_RETURN_DATUM(FullTransactionIdGetDatum(ReadNextFullTransactionId()));
}
