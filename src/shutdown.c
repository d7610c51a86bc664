/*
 * shutdown.c
 *		SIGTERM while a commit waits for a synchronous standby.
 *
 * PostgreSQL's handler only sets a flag, which that wait does not look at: a
 * primary whose standby is gone could not be stopped. So during a commit the
 * signal also counts as a cancel, which ends the wait and leaves the commit
 * done here.  Whoever asks ShutdownRequestPending after the commit knows that
 * no standby may have it.
 */
#include "postgres.h"

#include "access/xact.h"
#include "libpq/pqsignal.h"
#include "miscadmin.h"
#include "postmaster/interrupt.h"
#include "utils/guc.h"

#include "shutdown.h"

static volatile sig_atomic_t is_committing = false;

static void
handle_sigterm(SIGNAL_ARGS)
{
	if (is_committing)
		InterruptPending = QueryCancelPending = true;
	SignalHandlerForShutdownRequest(postgres_signal_arg);
}

void
provision_shutdown_watch(void)
{
	pqsignal(SIGTERM, handle_sigterm);
}

void
provision_shutdown_commit(void)
{
	is_committing = true;
	if (ShutdownRequestPending && synchronous_commit > SYNCHRONOUS_COMMIT_LOCAL_FLUSH)
		SetConfigOption("synchronous_commit", "local", PGC_SUSET, PGC_S_SESSION);
	CommitTransactionCommand();
	is_committing = false;
	QueryCancelPending = false; /* came too late, and is for nobody else */
}
