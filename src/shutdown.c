/*
 * shutdown.c
 *		Signals while a commit waits for a synchronous standby.
 *
 * That wait ends when the process is cancelled, and the commit is then done
 * here alone.  So whoever cancels a worker would make it send calls whose
 * intents no standby has: from the moment at which a transaction can no longer
 * be given up, a cancellation does nothing.
 *
 * SIGTERM, on the other hand, only sets a flag which that wait does not look
 * at: a primary whose standby is gone could not be stopped.  So during a commit
 * it counts as a cancellation, too.  Whoever asks ShutdownRequestPending after
 * the commit knows that no standby may have it.
 */
#include "postgres.h"

#include "access/xact.h"
#include "libpq/pqsignal.h"
#include "miscadmin.h"
#include "postmaster/interrupt.h"
#include "tcop/tcopprot.h"
#include "utils/guc.h"
#include "utils/timeout.h"

#include "shutdown.h"

static volatile sig_atomic_t is_committing = false;

static void
handle_sigterm(SIGNAL_ARGS)
{
	if (is_committing)
		InterruptPending = QueryCancelPending = true;
	SignalHandlerForShutdownRequest(postgres_signal_arg);
}

/* The end of lock_timeout comes as this signal, too: a commit that sends a notification waits for a lock. */
static void
handle_sigint(SIGNAL_ARGS)
{
	if (!is_committing || get_timeout_indicator(LOCK_TIMEOUT, false))
		StatementCancelHandler(postgres_signal_arg);
}

/* Called when what may fail in a commit is over but for that lock, and when the transaction has ended. */
static void
guard_commit(XactEvent event, void *argument)
{
	is_committing = event == XACT_EVENT_PRE_COMMIT;
	if (!is_committing)
		return;
	CHECK_FOR_INTERRUPTS();		/* a cancellation that came in time */
	if (ShutdownRequestPending && synchronous_commit > SYNCHRONOUS_COMMIT_LOCAL_FLUSH)
		SetConfigOption("synchronous_commit", "local", PGC_SUSET, PGC_S_SESSION);
}

void
provision_shutdown_watch(void)
{
	pqsignal(SIGTERM, handle_sigterm);
	pqsignal(SIGINT, handle_sigint);
	RegisterXactCallback(guard_commit, NULL);
}

void
provision_shutdown_commit(void)
{
	CommitTransactionCommand();
	QueryCancelPending = false; /* came too late, and is for nobody else */
}
