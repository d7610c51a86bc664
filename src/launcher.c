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
#include "utils/timestamp.h"
#include "utils/varlena.h"

#include "compat.h"
#include "launcher.h"
#include "settings.h"
#include "shared.h"
#include "wakeup.h"
#include "worker.h"

#define MAX_WORKERS 64			/* upper bound of provision.workers */
#define LIST_INTERVAL_MS 60000
#define FIRST_PAUSE_MS 1000		/* before a dead worker is started again */
#define LONGEST_PAUSE_MS 5000
#define COMPLAINT_INTERVAL_MS 60000
#define INVALID_DATABASE (-2)	/* datconnlimit of one whose DROP was interrupted */

typedef struct Supervised
{
	Oid			database;		/* hash key */
	bool		exists;
	bool		wanted;
	int			pause_ms;		/* grows while workers die young */
	TimestampTz asked_at;		/* when somebody last asked for workers */
	TimestampTz next_start_at;
	TimestampTz started_at;
	BackgroundWorkerHandle *handles[MAX_WORKERS];
} Supervised;

static HTAB *supervised_databases;
static bool list_is_stale = true;

static void
fill_in_worker(BackgroundWorker *worker, const char *type, const char *function, Datum argument)
{
	memset(worker, 0, sizeof(*worker));
	worker->bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION;
	worker->bgw_start_time = BgWorkerStart_RecoveryFinished;
	worker->bgw_main_arg = argument;
	strlcpy(worker->bgw_name, type, BGW_MAXLEN);
	strlcpy(worker->bgw_type, type, BGW_MAXLEN);
	strlcpy(worker->bgw_library_name, "provision", sizeof(worker->bgw_library_name));
	strlcpy(worker->bgw_function_name, function, sizeof(worker->bgw_function_name));
}

void
provision_launcher_register(void)
{
	BackgroundWorker worker;

	fill_in_worker(&worker, "provision launcher", "provision_launcher_main", (Datum) 0);
	worker.bgw_restart_time = 5;
	RegisterBackgroundWorker(&worker);
}

void
provision_launcher_start_lone_worker(Oid database)
{
	BackgroundWorker worker;

	fill_in_worker(&worker, "provision worker", "provision_worker_main", ObjectIdGetDatum(database));
	worker.bgw_restart_time = 5;
	if (!RegisterDynamicBackgroundWorker(&worker, NULL))
		ereport(WARNING,
				errcode(ERRCODE_INSUFFICIENT_RESOURCES),
				errmsg("could not start a provision worker"),
				errdetail("All worker processes are in use."),
				errhint("Raise max_worker_processes, then call provision_worker_start() again."));
}

static bool
start_worker(Supervised *supervised, int number)
{
	BackgroundWorker worker;

	fill_in_worker(&worker, "provision worker", "provision_worker_main",
				   ObjectIdGetDatum(supervised->database));
	worker.bgw_restart_time = BGW_NEVER_RESTART;
	worker.bgw_notify_pid = MyProcPid;
	return RegisterDynamicBackgroundWorker(&worker, &supervised->handles[number]);
}

/* At most one line a minute, however long they are lacking. */
static void
complain_about_slots(void)
{
	static TimestampTz complained_at = 0;
	TimestampTz now = GetCurrentTimestamp();

	if (!TimestampDifferenceExceeds(complained_at, now, COMPLAINT_INTERVAL_MS))
		return;
	complained_at = now;
	ereport(LOG,
			errmsg("could not start a provision worker"),
			errdetail("All worker processes are in use."),
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
		bool		has_worker = false;

		for (int i = 0; i < MAX_WORKERS; i++)
			has_worker = has_worker || supervised->handles[i] != NULL;
		if (!supervised->exists && !has_worker)
			hash_search(supervised_databases, &supervised->database, HASH_REMOVE, NULL);
	}
}

/*
 * Whether there was any.  It may come from a database that is not in the list
 * yet.  An overflowed mailbox loses nothing: then every database counts as
 * asked for.
 */
static bool
read_mail(void)
{
	WantedDatabase mail[MAILBOX_SIZE];
	int			count = provision_shared_take_mail(mail);
	HASH_SEQ_STATUS scan;
	Supervised *supervised;

	for (int i = 0; i < count; i++)
	{
		supervised = supervise(mail[i].database);
		if (mail[i].wanted)
		{
			supervised->wanted = true;
			supervised->asked_at = mail[i].at;
			supervised->next_start_at = 0;
		}
		else if (supervised->asked_at < mail[i].at)
			supervised->wanted = false;
	}
	if (count >= 0)
		return count > 0;
	hash_seq_init(&scan, supervised_databases);
	while ((supervised = hash_seq_search(&scan)) != NULL)
		supervised->wanted = true;
	return true;
}

/* A worker that lived long may be started again at once; one that died young has to wait longer each time. */
static void
note_death(Supervised *supervised)
{
	TimestampTz now = GetCurrentTimestamp();

	if (TimestampDifferenceExceeds(supervised->started_at, now, 2 * LONGEST_PAUSE_MS))
		supervised->pause_ms = FIRST_PAUSE_MS;
	else
		list_is_stale = true;	/* perhaps its database is gone */
	supervised->next_start_at = TimestampTzPlusMilliseconds(now, supervised->pause_ms);
	supervised->pause_ms = Min(2 * supervised->pause_ms, LONGEST_PAUSE_MS);
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
should_run(const Supervised *supervised, int number)
{
	return supervised->exists && supervised->wanted && number < provision_workers;
}

static void
start_missing_workers(Supervised *supervised)
{
	TimestampTz now = GetCurrentTimestamp();

	for (int i = 0; i < MAX_WORKERS; i++)
	{
		if (supervised->handles[i] != NULL || !should_run(supervised, i) || supervised->next_start_at > now)
			continue;
		if (!start_worker(supervised, i))
		{
			complain_about_slots();
			supervised->next_start_at = TimestampTzPlusMilliseconds(now, LONGEST_PAUSE_MS);
			return;
		}
		supervised->started_at = now;
	}
}

static void
end_surplus_workers(Supervised *supervised)
{
	for (int i = 0; i < MAX_WORKERS; i++)
		if (supervised->handles[i] != NULL && !(supervised->exists && i < provision_workers))
			TerminateBackgroundWorker(supervised->handles[i]);
}

/* Returns when something is to be started although nothing happens. */
static TimestampTz
reconcile(void)
{
	HASH_SEQ_STATUS scan;
	Supervised *supervised;
	TimestampTz next = DT_NOEND;

	hash_seq_init(&scan, supervised_databases);
	while ((supervised = hash_seq_search(&scan)) != NULL)
	{
		notice_deaths(supervised);
		end_surplus_workers(supervised);
		start_missing_workers(supervised);
		for (int i = 0; i < MAX_WORKERS; i++)
			if (supervised->handles[i] == NULL && should_run(supervised, i))
				next = Min(next, supervised->next_start_at);
	}
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
wait_for_something(TimestampTz until)
{
	long		timeout = Min(TimestampDifferenceMilliseconds(GetCurrentTimestamp(), until), LIST_INTERVAL_MS);

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
	TimestampTz listed_at = 0;
	MemoryContext round;

	set_up_launcher();
	round = AllocSetContextCreate(TopMemoryContext, "provision launcher round", ALLOCSET_DEFAULT_SIZES);
	while (!ShutdownRequestPending)
	{
		MemoryContextSwitchTo(round);
		MemoryContextReset(round);
		if (read_mail() || list_is_stale ||
			TimestampDifferenceExceeds(listed_at, GetCurrentTimestamp(), LIST_INTERVAL_MS - 1000))
		{
			list_is_stale = false;
			read_databases();
			forget_databases_that_are_gone();
			listed_at = GetCurrentTimestamp();
		}
		MemoryContextSwitchTo(TopMemoryContext);	/* handles live on */
		wait_for_something(reconcile());
	}
	proc_exit(1);				/* 0 would mean: never start it again */
}
