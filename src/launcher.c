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

#include "access/genam.h"
#include "access/heapam.h"
#include "access/htup_details.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/pg_database.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "storage/ipc.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/varlena.h"

#include "background.h"
#include "clock.h"
#include "compat.h"
#include "launcher.h"
#include "settings.h"
#include "shared.h"
#include "wakeup.h"
#include "worker.h"

#define MAX_WORKERS 64			/* upper bound of provision.workers */
#define LIST_INTERVAL_MS 60000
#define ORDERLY_PAUSE_MS 50	/* before a worker that left in order is replaced */
#define FIRST_PAUSE_MS 1000		/* the same for one that died; doubled while they die young */
#define LONGEST_PAUSE_MS 60000
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
#define INVALID_DATABASE (-2)	/* datconnlimit of one whose DROP was interrupted */

typedef struct Supervised
{
	Oid			database;		/* hash key */
	bool		exists;
	bool		wanted;
	bool		settled;		/* its workers stay */
	bool		left;			/* a worker has left in order, and its end is not seen yet */
	bool		lacks_process;	/* of the server's max_worker_processes */
	int			pause_ms;		/* grows while workers die young */
	int64		asked_at_ms;	/* when somebody last asked for workers */
	int64		next_start_at_ms;
	int64		started_at_ms;
	BackgroundWorkerHandle *handles[MAX_WORKERS];
} Supervised;

static HTAB *supervised_databases;
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

static bool
is_listed(const char *database)
{
	char	   *list;
	List	   *names;
	ListCell   *cell;
	bool		listed = false;

	if (provision_databases == NULL || provision_databases[0] == '\0')
		return true;
	list = pstrdup(provision_databases);
	if (!SplitGUCList(list, ',', &names))
		return false;
	foreach(cell, names)
		listed = listed || strcmp(lfirst(cell), database) == 0;
	return listed;
}

static Supervised *
supervise(Oid database)
{
	bool		found;
	Supervised *supervised = hash_search(supervised_databases, &database, HASH_ENTER, &found);

	if (!found)
	{
		memset(supervised, 0, sizeof(*supervised));
		supervised->database = database;
		supervised->wanted = true;
		supervised->pause_ms = FIRST_PAUSE_MS;
	}
	return supervised;
}

static int
count_workers(const Supervised *supervised)
{
	int			count = 0;

	for (int i = 0; i < MAX_WORKERS; i++)
		count += supervised->handles[i] != NULL;
	return count;
}

/* Names change and lists change: so whether a database counts is asked anew each time. */
static void
read_databases(void)
{
	HASH_SEQ_STATUS scan;
	Supervised *supervised;
	Relation	relation;
	TableScanDesc rows;
	HeapTuple	row;

	hash_seq_init(&scan, supervised_databases);
	while ((supervised = hash_seq_search(&scan)) != NULL)
		supervised->exists = false;
	StartTransactionCommand();
	(void) GetTransactionSnapshot();
	relation = table_open(DatabaseRelationId, AccessShareLock);
	rows = table_beginscan_catalog(relation, 0, NULL);
	while (HeapTupleIsValid(row = heap_getnext(rows, ForwardScanDirection)))
	{
		Form_pg_database database = (Form_pg_database) GETSTRUCT(row);

		if (database->datallowconn && !database->datistemplate && database->datconnlimit != INVALID_DATABASE && is_listed(NameStr(database->datname)))
			supervise(database->oid)->exists = true;
	}
	table_endscan(rows);
	table_close(relation, AccessShareLock);
	CommitTransactionCommand();
}

static void
forget_databases_that_are_gone(void)
{
	HASH_SEQ_STATUS scan;
	Supervised *supervised;

	hash_seq_init(&scan, supervised_databases);
	while ((supervised = hash_seq_search(&scan)) != NULL)
	{
		if (!supervised->exists && count_workers(supervised) == 0)
			hash_search(supervised_databases, &supervised->database, HASH_REMOVE, NULL);
	}
}

static void
read_letter(const Letter *letter)
{
	Supervised *supervised = supervise(letter->database);

	supervised->settled = supervised->settled || letter->settled;
	supervised->left = supervised->left || letter->left;
	if (letter->asked_at_ms > 0)
	{
		supervised->wanted = true;
		supervised->asked_at_ms = letter->asked_at_ms;
		supervised->next_start_at_ms = 0;
	}
	if (supervised->asked_at_ms < letter->not_needed_at_ms)
		supervised->wanted = false;
}

/*
 * Whether there was any.  It may come from a database that is not in the list
 * yet.  An overflowed mailbox loses nothing: then every database counts as
 * asked for.
 */
static bool
read_mail(void)
{
	Letter		mail[MAILBOX_SIZE];
	int			count = provision_shared_take_mail(mail);
	HASH_SEQ_STATUS scan;
	Supervised *supervised;

	for (int i = 0; i < count; i++)
		read_letter(&mail[i]);
	if (count >= 0)
		return count > 0;
	hash_seq_init(&scan, supervised_databases);
	while ((supervised = hash_seq_search(&scan)) != NULL)
		supervised->wanted = true;
	return true;
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
	return !supervised->settled && count_workers(supervised) > 0 &&
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

	hash_seq_init(&scan, supervised_databases);
	while ((supervised = hash_seq_search(&scan)) != NULL)
	{
		usage.workers += count_workers(supervised);
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
		if (count_workers(supervised) == 0)
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

	hash_seq_init(&scan, supervised_databases);
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

	hash_seq_init(&scan, supervised_databases);
	while ((supervised = hash_seq_search(&scan)) != NULL)
		for (int i = 0; i < MAX_WORKERS; i++)
			if (supervised->handles[i] != NULL)
				TerminateBackgroundWorker(supervised->handles[i]);
}

static void
set_up_launcher(void)
{
	HASHCTL		control = {.keysize = sizeof(Oid), .entrysize = sizeof(Supervised), .hcxt = TopMemoryContext};

	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	pqsignal(SIGTERM, SignalHandlerForShutdownRequest);
	BackgroundWorkerUnblockSignals();
	BackgroundWorkerInitializeConnection(NULL, NULL, 0);
	supervised_databases = hash_create("provision databases", 16, &control,
									   HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
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
		if (read_mail() || list_is_stale ||
			provision_clock_ms() >= list_due_at)
		{
			list_is_stale = false;
			read_databases();
			forget_databases_that_are_gone();
			list_due_at = provision_clock_ms() + LIST_INTERVAL_MS - 1000;
		}
		MemoryContextSwitchTo(TopMemoryContext);	/* handles live on */
		wait_for_something(reconcile());
	}
	proc_exit(1);				/* 0 would mean: never start it again */
}
