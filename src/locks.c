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

static LOCKTAG
lock_tag(int32 lock_class, int32 key)
{
	LOCKTAG		tag;

	SET_LOCKTAG_ADVISORY(tag, MyDatabaseId, (uint32) lock_class, (uint32) key, OUR_ADVISORY_FIELD);
	return tag;
}

/*
 * try_lock(class, key, for_session): true when the lock is now ours, until
 * the end of the session or of the transaction. Never waits.
 */
PG_FUNCTION_INFO_V1(provision_try_lock);
Datum
provision_try_lock(PG_FUNCTION_ARGS)
{
	LOCKTAG		tag = lock_tag(PG_GETARG_INT32(0), PG_GETARG_INT32(1));

	PG_RETURN_BOOL(LockAcquire(&tag, ExclusiveLock, PG_GETARG_BOOL(2), true) != LOCKACQUIRE_NOT_AVAIL);
}

/* wait_for_lock(class, key): ours until the end of the transaction. Not for workers, which wait for nobody. */
PG_FUNCTION_INFO_V1(provision_wait_for_lock);
Datum
provision_wait_for_lock(PG_FUNCTION_ARGS)
{
	LOCKTAG		tag = lock_tag(PG_GETARG_INT32(0), PG_GETARG_INT32(1));

	(void) LockAcquire(&tag, ExclusiveLock, false, false);
	PG_RETURN_VOID();
}
