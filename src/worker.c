/*
 * worker.c
 *		The loop of one worker: wait, record, plan, claim, commit, send.
 *
 * Crash-only: there is no PG_TRY. An error ends the process, the launcher
 * starts another, and that one rescues the jobs of this one.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "storage/ipc.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "compat.h"
#include "http_client.h"
#include "plan.h"
#include "session.h"
#include "settings.h"
#include "shared.h"
#include "store.h"
#include "waiting.h"
#include "worker.h"

/* How long calls in flight may still be answered when the worker is told to stop. */
#define FAREWELL_MS 500

/* History is looked through at most once in this time, unless a batch was not enough. */
#define PURGE_INTERVAL_MS (60 * 60 * 1000)

/* A plan function that takes longer never ends. */
#define PLAN_TIMEOUT_MS 5000

/* A wait must fit the operating system's integers. */
#define LONGEST_WAIT_MS (24L * 60 * 60 * 1000)

/* What somebody else has locked is tried again after this time, doubled each time in vain. */
#define LOCKED_PAUSE_MS 50
#define LONGEST_LOCKED_PAUSE_MS 1000

/* Bodies recorded in one round; further answers wait for the next, which follows at once. */
#define MAX_ROUND_BYTES (16 * 1024 * 1024)

/* Dead peers are looked for at most this often. */
#define RESCUE_INTERVAL_MS 1000

typedef struct Worker
{
	int64		incarnation;
	Oid			extension;
	List	   *answers;		/* HttpAnswer *, not recorded yet, in TopMemoryContext */
	bool		must_look;		/* something may have changed in the tables */
	bool		some_were_locked;	/* of the answers' jobs, by somebody else */
	bool		is_stopped;
	TimestampTz due_at;
	int			locked_pause_ms;
	bool		has_peers;
	TimestampTz rescued_at;
	TimestampTz rescue_due_at;
	bool		has_more_history;
	TimestampTz purge_due_at;
	TimestampTz purged_at;
	StoreFigures figures;
	MemoryContext round;
} Worker;

/* Exit code 0: nothing to do here. 1: start me again. */
static void
leave_process(bool wanted)
{
	if (!wanted)
		provision_shared_want(MyDatabaseId, false);
	proc_exit(wanted ? 1 : 0);
}

static void
open_client(void)
{
	HttpLimits	limits = {
		.max_body_size = (size_t) provision_max_body_size * 1024,
		.max_connections = provision_max_in_flight,
		.ca_file = provision_ca_file != NULL && provision_ca_file[0] != '\0' ? provision_ca_file : NULL,
		.user_agent = "provision/" PROVISION_VERSION
	};

	if (!provision_http_client_open(&limits))
		ereport(ERROR,
				errcode(ERRCODE_SYSTEM_ERROR),
				errmsg("could not open the HTTP client"),
				errhint("libcurl must be 7.62 or newer with asynchronous name resolution."));
	provision_waiting_prepare(provision_http_client_descriptor());
}

static void
enter_service(Worker *worker)
{
	bool		is_needed;
	bool		is_stopped = false;

	provision_store_begin("entering service");
	worker->extension = provision_store_extension();
	is_needed = OidIsValid(worker->extension) && provision_store_enter(&worker->incarnation, &is_stopped);
	provision_store_commit();
	if (!is_needed && !is_stopped && MyBgworkerEntry->bgw_restart_time != BGW_NEVER_RESTART)
		proc_exit(0);			/* started without a launcher, and another one is there */
	if (!is_needed)
		leave_process(OidIsValid(worker->extension) && !is_stopped);
	worker->has_peers = true;	/* perhaps dead ones */
}

static void
handle_interrupts(Worker *worker)
{
	QueryCancelPending = false; /* there is no query to cancel between two rounds */
	CHECK_FOR_INTERRUPTS();
	if (ConfigReloadPending)
	{
		ConfigReloadPending = false;
		ProcessConfigFile(PGC_SIGHUP);
		worker->must_look = true;
	}
}

static void
take_answers(Worker *worker)
{
	MemoryContext caller = MemoryContextSwitchTo(TopMemoryContext);
	HttpAnswer *answer;
	size_t		bytes = 0;

	provision_http_client_work();
	while (bytes < MAX_ROUND_BYTES && (answer = provision_http_client_next_answer()) != NULL)
	{
		worker->answers = lappend(worker->answers, answer);
		bytes += answer->body_length;
	}
	MemoryContextSwitchTo(caller);
}

/* Those that remain stay; the others are freed. */
static void
keep_answers(Worker *worker, List *remaining)
{
	MemoryContext caller = MemoryContextSwitchTo(TopMemoryContext);
	List	   *kept = NIL;
	ListCell   *cell;

	foreach(cell, worker->answers)
	{
		if (list_member_ptr(remaining, lfirst(cell)))
			kept = lappend(kept, lfirst(cell));
		else
			provision_http_answer_free(lfirst(cell));
	}
	list_free(worker->answers);
	worker->answers = kept;
	worker->some_were_locked = kept != NIL;
	MemoryContextSwitchTo(caller);
}

static void
send_requests(Worker *worker, List *requests)
{
	ListCell   *cell;

	foreach(cell, requests)
	{
		HttpRequest *request = lfirst(cell);

		if (!provision_http_client_send(request))
			ereport(ERROR,
					errcode(ERRCODE_OUT_OF_MEMORY),
					errmsg("could not start an HTTP call"),
					errdetail("libcurl is out of memory."));
		if (request->authorization != NULL)
			explicit_bzero(unconstify(char *, request->authorization), strlen(request->authorization));
		worker->figures.calls++;
	}
}

static void
leave_if_extension_changed(Worker *worker)
{
	Oid			extension = provision_store_extension();

	if (extension == worker->extension)
		return;
	provision_store_commit();
	leave_process(OidIsValid(extension));
}

static void
note_figures(Worker *worker)
{
	worker->figures.rounds++;
	worker->figures.calls_in_flight = provision_http_client_in_flight();
	if (worker->figures.rounds % 100 == 1)
		worker->figures.memory_bytes = MemoryContextMemAllocated(TopMemoryContext, true);
}

static void
note_outlook(Worker *worker, const StoreOutlook *outlook)
{
	worker->is_stopped = outlook->is_stopped;
	worker->must_look = worker->must_look || outlook->has_suspect;
	worker->has_peers = outlook->has_peers;
	if (worker->has_more_history)
		worker->purge_due_at = GetCurrentTimestamp();
	else if (outlook->history_due_at == DT_NOEND)
		worker->purge_due_at = DT_NOEND;
	else
		worker->purge_due_at = Max(outlook->history_due_at,
								   TimestampTzPlusMilliseconds(worker->purged_at, PURGE_INTERVAL_MS));
}

/* A peer's death is known when the launcher wakes us, or at our start. */
static void
rescue_jobs_of_dead_peers(Worker *worker)
{
	TimestampTz next = TimestampTzPlusMilliseconds(worker->rescued_at, RESCUE_INTERVAL_MS);

	worker->rescue_due_at = DT_NOEND;
	if (!worker->has_peers)
		return;
	if (GetCurrentTimestamp() < next)
	{
		worker->rescue_due_at = next;
		return;
	}
	worker->rescued_at = GetCurrentTimestamp();
	if (provision_store_rescue())
		worker->rescue_due_at = TimestampTzPlusMilliseconds(worker->rescued_at, RESCUE_INTERVAL_MS);
}

/*
 * What is due although this round left it undone is locked by somebody else:
 * it is looked at again after a pause, not at once.
 */
static TimestampTz
postpone_what_is_locked(Worker *worker, TimestampTz due_at, bool was_hindered, bool was_fruitful)
{
	TimestampTz now = GetCurrentTimestamp();

	if (due_at > now && !was_hindered && !worker->some_were_locked)
		return due_at;
	worker->locked_pause_ms = was_fruitful ? LOCKED_PAUSE_MS :
		Max(LOCKED_PAUSE_MS, Min(2 * worker->locked_pause_ms, LONGEST_LOCKED_PAUSE_MS));
	now = TimestampTzPlusMilliseconds(now, worker->locked_pause_ms);
	return due_at < GetCurrentTimestamp() ? now : Min(due_at, now);
}

/*
 * One transaction: what was answered, what follows from it, and new jobs into
 * the places that became free. Calls go out after its commit. Claimed jobs
 * are planned in the next round, so that a job which kills its worker while
 * it is planned is known to have been claimed.
 */
static void
run_round(Worker *worker)
{
	Datum		jobs;
	List	   *requests;
	List	   *remaining = NIL;
	StoreOutlook outlook;
	int			places;
	bool		was_hindered;
	bool		was_fruitful;

	provision_store_begin("running a round");
	leave_if_extension_changed(worker);
	rescue_jobs_of_dead_peers(worker);
	jobs = provision_store_no_jobs();
	if (worker->answers != NIL)
		remaining = provision_store_record(worker->incarnation, worker->answers, &jobs);
	requests = provision_store_begin_calls(worker->incarnation, jobs);
	places = provision_max_in_flight - provision_http_client_in_flight() - list_length(requests);
	worker->must_look = provision_store_claim(worker->incarnation, Max(places, 0), &was_hindered) > 0;
	was_fruitful = worker->must_look || requests != NIL || worker->answers != NIL;
	note_figures(worker);
	outlook = provision_store_end_round(worker->incarnation, &worker->figures);
	provision_store_commit();
	keep_answers(worker, remaining);
	send_requests(worker, requests);
	worker->due_at = Min(postpone_what_is_locked(worker, outlook.next_due_at, was_hindered, was_fruitful),
						 worker->rescue_due_at);
	note_outlook(worker, &outlook);
}

static void
purge_history(Worker *worker)
{
	provision_store_begin("removing old history");
	leave_if_extension_changed(worker);
	worker->has_more_history = provision_store_purge();
	provision_store_commit();
	worker->purged_at = GetCurrentTimestamp();
	worker->must_look = true;	/* for the outlook */
}

static long
time_to_wait(const Worker *worker)
{
	long		timeout = provision_http_client_timeout_ms();
	TimestampTz due_at = Min(worker->due_at, worker->purge_due_at);
	long		until_due;

	if (due_at == DT_NOEND)
		return timeout;
	until_due = Min(TimestampDifferenceMilliseconds(GetCurrentTimestamp(), due_at), LONGEST_WAIT_MS);
	return timeout < 0 ? until_due : Min(timeout, until_due);
}

static void
wait_for_something(Worker *worker)
{
	if (!worker->must_look)
	{
		long		timeout = time_to_wait(worker);

		if (timeout < 0)
			pgstat_report_stat(true);	/* it may be long until the next chance */
		worker->must_look = provision_waiting_wait(timeout);
	}
	if (worker->due_at <= GetCurrentTimestamp())
		worker->must_look = true;
}

/* What is answered within a moment is recorded; the rest is given back, to be looked after before it is repeated. */
static void
leave_service(Worker *worker)
{
	TimestampTz end = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), FAREWELL_MS);
	Datum		jobs;
	long		left;

	while (provision_http_client_in_flight() > 0 &&
		   (left = TimestampDifferenceMilliseconds(GetCurrentTimestamp(), end)) > 0)
	{
		long		timeout = provision_http_client_timeout_ms();

		provision_waiting_wait(timeout < 0 ? left : Min(timeout, left));
		take_answers(worker);
	}
	provision_store_begin("leaving service");
	if (provision_store_extension() == worker->extension)
	{
		if (worker->answers != NIL)
			provision_store_record(worker->incarnation, worker->answers, &jobs);
		provision_store_leave(worker->incarnation);
	}
	provision_store_commit();
	provision_http_client_close();
	pgstat_report_stat(true);
}

static void
set_up_process(Oid database)
{
	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	pqsignal(SIGTERM, SignalHandlerForShutdownRequest);
	BackgroundWorkerUnblockSignals();
	BackgroundWorkerInitializeConnectionByOid(database, InvalidOid, 0);
	provision_session_prepare();
	provision_plan_timeout_ms = PLAN_TIMEOUT_MS;
}

void
provision_worker_main(Datum database)
{
	Worker		worker = {.must_look = true, .due_at = DT_NOEND, .purge_due_at = DT_NOEND};

	set_up_process(DatumGetObjectId(database));
	worker.round = AllocSetContextCreate(TopMemoryContext, "provision round", ALLOCSET_DEFAULT_SIZES);
	MemoryContextSwitchTo(worker.round);
	enter_service(&worker);
	open_client();
	while (!ShutdownRequestPending && !worker.is_stopped)
	{
		handle_interrupts(&worker);
		take_answers(&worker);
		if (worker.must_look || (worker.answers != NIL && !worker.some_were_locked))
			run_round(&worker);
		if (worker.purge_due_at <= GetCurrentTimestamp())
			purge_history(&worker);
		if (!worker.is_stopped)
			wait_for_something(&worker);
		MemoryContextReset(worker.round);
	}
	leave_service(&worker);
	leave_process(!worker.is_stopped);
}
