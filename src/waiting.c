/*
 * waiting.c
 *		The worker's one wait.
 *
 * A WaitEventSet cannot lose members, so libcurl's sockets are not in it:
 * they are in a descriptor of their own, which is.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "pgstat.h"

#include "compat.h"
#include "waiting.h"

static WaitEventSet *wait_set;

void
provision_waiting_prepare(int descriptor)
{
	wait_set = create_wait_event_set(3);
	AddWaitEventToSet(wait_set, WL_LATCH_SET, PGINVALID_SOCKET, MyLatch, NULL);
	AddWaitEventToSet(wait_set, WL_EXIT_ON_PM_DEATH, PGINVALID_SOCKET, NULL, NULL);
	AddWaitEventToSet(wait_set, WL_SOCKET_READABLE, descriptor, NULL, NULL);
}

bool
provision_waiting_wait(long timeout_ms)
{
	WaitEvent	occurred[2];
	int			count = WaitEventSetWait(wait_set, timeout_ms, occurred, lengthof(occurred), PG_WAIT_EXTENSION);
	bool		latch_was_set = false;

	for (int i = 0; i < count; i++)
		latch_was_set = latch_was_set || (occurred[i].events & WL_LATCH_SET) != 0;
	if (latch_was_set)
		ResetLatch(MyLatch);
	return latch_was_set;
}
