/*
 * locks.c
 *		Locks that only this extension can take.
 *
 * Advisory locks of SQL carry 1 or 2 in the last field of their tag. Ours
 * carry another number, so that no role can keep a worker out or pretend to
 * be one by calling pg_advisory_lock().
 */
#include "postgres.h"

#include "fmgr.h"
#include "miscadmin.h"
#include "storage/lock.h"

#define OUR_ADVISORY_FIELD 7	/* shown as pg_locks.objsubid */

/*
 * try_lock(class, key, for_session): true when the lock is now ours, until
 * the end of the session or of the transaction. Never waits.
 */
PG_FUNCTION_INFO_V1(provision_try_lock);
Datum
provision_try_lock(PG_FUNCTION_ARGS)
{
	LOCKTAG		tag;

	SET_LOCKTAG_ADVISORY(tag, MyDatabaseId, (uint32) PG_GETARG_INT32(0), (uint32) PG_GETARG_INT32(1),
						 OUR_ADVISORY_FIELD);
	PG_RETURN_BOOL(LockAcquire(&tag, ExclusiveLock, PG_GETARG_BOOL(2), true) != LOCKACQUIRE_NOT_AVAIL);
}
