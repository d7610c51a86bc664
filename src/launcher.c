/*
 * launcher.c
 *		The supervisor: level-triggered, so that nothing depends on having seen
 *		an event.
 *
 * Each round compares what should run with what runs. A database is looked at
 * when it is new to the launcher, when somebody asks (CREATE EXTENSION,
 * provision_worker_start), and whenever its worker has died; only a worker
 * that finds nothing to do there (no extension, stopped by hand) ends this.
 * The list of databases itself is read at most once a minute.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "storage/ipc.h"
#include "utils/guc.h"
#include "utils/memutils.h"

#include "background.h"
#include "clock.h"
#include "compat.h"
#include "launcher.h"
#include "settings.h"
#include "shared.h"
#include "supervised.h"
#include "wakeup.h"
#include "worker.h"

#define LIST_INTERVAL_MS 60000
#define ORDERLY_PAUSE_MS 50	/* before a worker that left in order is replaced */
#define LONGEST_PAUSE_MS 60000	/* before one that died young again is replaced */
#define YOUNG_MS 10000
#define SLOT_PAUSE_MS 5000		/* until a free worker process is looked for again */

/*
 * So many databases at once have a worker of which it is not known yet
 * whether it stays; one that cannot say so for that long does not count.
 */
#define MAX_SETTLING 2
#define SETTLING_MS 5000
#define TURN_PAUSE_MS 1000
#define COMPLAINT_INTERVAL_MS 60000

static bool list_is_stale = true;

/* At most one line a minute, however long they are lacking. */
static void
complain_about_slots(void)
{
	static int64 complained_at_ms = -COMPLAINT_INTERVAL_MS;
	int64		now = provision_clock_ms();

	if (now - complained_at_ms < COMPLAINT_INTERVAL_MS)
		return;
	complained_at_ms = now;
	ereport(LOG,
			errmsg("could not start a provision worker"),
			errdetail("All worker processes are in use, but for the quarter of max_worker_processes that is left to others."),
			errhint("Raise max_worker_processes."));
}

/*
 * A worker that lived long may be started again at once, and one that was
 * asked to end; one that died young has to wait longer each time.
 */
static void
note_death(Supervised *supervised)
{
	int64		now = provision_clock_ms();
	int64		lived_ms = now - supervised->started_at_ms;

	if (lived_ms < YOUNG_MS)
		list_is_stale = true;	/* perhaps its database is gone */
	if (supervised->left || lived_ms >= Max(YOUNG_MS, supervised->pause_ms))
		supervised->pause_ms = FIRST_PAUSE_MS;
	supervised->next_start_at_ms = now + (supervised->left ? ORDERLY_PAUSE_MS : supervised->pause_ms);
	if (!supervised->left)
		supervised->pause_ms = Min(2 * supervised->pause_ms, LONGEST_PAUSE_MS);
	supervised->left = false;
}

static void
notice_deaths(Supervised *supervised)
{
	for (int i = 0; i < MAX_WORKERS; i++)
	{
		pid_t		pid;

		if (supervised->handles[i] == NULL ||
			GetBackgroundWorkerPid(supervised->handles[i], &pid) != BGWH_STOPPED)
			continue;
		pfree(supervised->handles[i]);
		supervised->handles[i] = NULL;
		note_death(supervised);
		provision_wakeup_workers_of(supervised->database);	/* to rescue its jobs */
	}
}

static bool
is_settling(const Supervised *supervised)
{
	return !supervised->settled && provision_supervised_count_workers(supervised) > 0 &&
		provision_clock_ms() - supervised->started_at_ms < SETTLING_MS;
}

typedef struct Usage
{
	int			workers;
	int			settling;		/* databases */
} Usage;

static Usage
present_usage(void)
{
	Usage		usage = {0, 0};
	HASH_SEQ_STATUS scan;
	Supervised *supervised;

	provision_supervised_scan(&scan);
	while ((supervised = hash_seq_search(&scan)) != NULL)
	{
		usage.workers += provision_supervised_count_workers(supervised);
		usage.settling += is_settling(supervised);
	}
	return usage;
}

/* Parallel queries and replication need worker processes too. */
static bool
may_have_another_worker(const Usage *usage)
{
	return usage->workers + 1 < max_worker_processes - max_worker_processes / 4;
}

static bool
should_run(const Supervised *supervised, int number)
{
	return supervised->exists && supervised->wanted && number < provision_workers;
}

/* A database of which it is not known whether it needs any gets one to begin with. */
static void
start_missing_workers(Supervised *supervised, Usage *usage)
{
	int64		now = provision_clock_ms();

	for (int i = 0; i < MAX_WORKERS; i++)
	{
		if (supervised->handles[i] != NULL || !should_run(supervised, i) || supervised->next_start_at_ms > now)
			continue;
		if (provision_supervised_count_workers(supervised) == 0)
			supervised->settled = false;
		if (!supervised->settled && (i > 0 || usage->settling >= MAX_SETTLING))
			return;
		if (!may_have_another_worker(usage) || !provision_background_start_worker(supervised->database, &supervised->handles[i]))
		{
			complain_about_slots();
			supervised->lacks_process = true;
			supervised->next_start_at_ms = now + SLOT_PAUSE_MS;
			return;
		}
		supervised->lacks_process = false;
		supervised->started_at_ms = now;
		usage->workers++;
		usage->settling += !supervised->settled;
	}
}

static void
end_surplus_workers(Supervised *supervised)
{
	for (int i = 0; i < MAX_WORKERS; i++)
		if (supervised->handles[i] != NULL && !(supervised->exists && i < provision_workers))
			TerminateBackgroundWorker(supervised->handles[i]);
}

/* Whose turn has not come is looked at when there are news, or after a while. */
static int64
next_start_of(const Supervised *supervised)
{
	int64		now = provision_clock_ms();
	int64		next = NEVER_MS;

	for (int i = 0; i < MAX_WORKERS; i++)
		if (supervised->handles[i] == NULL && should_run(supervised, i))
			next = supervised->next_start_at_ms > now ? supervised->next_start_at_ms : now + TURN_PAUSE_MS;
	return next;
}

/* Returns when something is to be started although nothing happens. */
static int64
reconcile(void)
{
	Usage		usage = present_usage();
	HASH_SEQ_STATUS scan;
	Supervised *supervised;
	int64		next = NEVER_MS;
	bool		some_are_lacking = false;

	provision_supervised_scan(&scan);
	while ((supervised = hash_seq_search(&scan)) != NULL)
	{
		notice_deaths(supervised);
		end_surplus_workers(supervised);
		start_missing_workers(supervised, &usage);
		next = Min(next, next_start_of(supervised));
		some_are_lacking = some_are_lacking || (supervised->lacks_process && next_start_of(supervised) < NEVER_MS);
	}
	provision_shared_note_processes(some_are_lacking);
	return next;
}

/* Orphans would keep the new launcher's workers out, unsupervised. */
static void
end_all_workers(int code, Datum argument)
{
	HASH_SEQ_STATUS scan;
	Supervised *supervised;

	provision_supervised_scan(&scan);
	while ((supervised = hash_seq_search(&scan)) != NULL)
		for (int i = 0; i < MAX_WORKERS; i++)
			if (supervised->handles[i] != NULL)
				TerminateBackgroundWorker(supervised->handles[i]);
}

static void
set_up_launcher(void)
{
	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	pqsignal(SIGTERM, SignalHandlerForShutdownRequest);
	BackgroundWorkerUnblockSignals();
	BackgroundWorkerInitializeConnection(NULL, NULL, 0);
	provision_supervised_open();
	provision_shared_open_mailbox();
	before_shmem_exit(end_all_workers, (Datum) 0);
}

static void
wait_for_something(int64 until)
{
	long		timeout = Max(Min(until - provision_clock_ms(), LIST_INTERVAL_MS), 0);

	(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, timeout, PG_WAIT_EXTENSION);
	ResetLatch(MyLatch);
	CHECK_FOR_INTERRUPTS();
	if (ConfigReloadPending)
	{
		ConfigReloadPending = false;
		ProcessConfigFile(PGC_SIGHUP);
	}
}

void
provision_launcher_main(Datum unused)
{
	int64		list_due_at = 0;
	MemoryContext round;

	set_up_launcher();
	round = AllocSetContextCreate(TopMemoryContext, "provision launcher round", ALLOCSET_DEFAULT_SIZES);
	while (!ShutdownRequestPending)
	{
		MemoryContextSwitchTo(round);
		MemoryContextReset(round);
		if (provision_supervised_read_mail() || list_is_stale || provision_clock_ms() >= list_due_at)
		{
			list_is_stale = false;
			provision_supervised_read_list();
			list_due_at = provision_clock_ms() + LIST_INTERVAL_MS - 1000;
		}
		MemoryContextSwitchTo(TopMemoryContext);	/* handles live on */
		wait_for_something(reconcile());
	}
	proc_exit(1);				/* 0 would mean: never start it again */
}
