/*
 * worker.c
 *		The life of one worker: it enters service, waits and makes rounds, and
 *		leaves.
 *
 * Crash-only: an error that does not pass by itself (trouble.c) ends the
 * process, the launcher starts another, and that one rescues the jobs of this
 * one.
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

#include "chores.h"
#include "clock.h"
#include "compat.h"
#include "http_client.h"
#include "keeper.h"
#include "plan.h"
#include "round.h"
#include "session.h"
#include "settings.h"
#include "shared.h"
#include "shutdown.h"
#include "store.h"
#include "trouble.h"
#include "waiting.h"
#include "worker.h"

/* How long calls in flight may still be answered when the worker is told to stop. */
#define FAREWELL_MS 500
#define FAREWELL_TRIES 3

/* A server that says when to come back is obeyed so far; a pause beyond it is of a clock that was set back meanwhile. */
#define LONGEST_RETRY_AFTER_S 3600

/* A plan function that takes longer never ends. */
#define PLAN_TIMEOUT_MS 5000

/* A wait must fit the operating system's integers. */
#define LONGEST_WAIT_MS (24L * 60 * 60 * 1000)

/* A clock that was set may be set right again: until then nothing is removed because of its age. */
#define CLOCK_TRUST_MS (60 * 60 * 1000)

/* A wait that hindrance makes must not become none. */
#define SHORTEST_HINDERED_WAIT_MS 50

/* With something due, the clock is looked at this often, in case somebody sets it. */
#define CLOCK_LOOK_MS 60000

/* Without a launcher, exit code 1 asks the postmaster for another worker. */
void
provision_worker_leave_process(bool wanted)
{
	if (!wanted)
		provision_shared_tell(NOT_NEEDED);
	proc_exit(wanted && MyBgworkerEntry->bgw_restart_time != BGW_NEVER_RESTART ? 1 : 0);
}

static HttpLimits
present_limits(void)
{
	return (HttpLimits)
	{
		.max_body_size = (size_t) provision_max_body_size * 1024,
			.max_connections = provision_max_in_flight,
			.ca_file = provision_ca_file,
			.allowed_hosts = provision_allowed_hosts,
			.callback_hosts = provision_webhook_allowed_hosts,
			.user_agent = "provision/" PROVISION_VERSION
	};
}

static void
open_client(void)
{
	HttpLimits	limits = present_limits();

	if (!provision_http_client_open(&limits))
		ereport(ERROR,
				errcode(ERRCODE_SYSTEM_ERROR),
				errmsg("could not open the HTTP client"),
				errhint("libcurl must be 7.65 or newer with asynchronous name resolution."));
	provision_waiting_prepare(provision_http_client_descriptor());
}

static void
enter_service(void *argument)
{
	Worker	   *worker = argument;
	bool		is_needed;
	bool		is_stopped = false;

	worker->extension = provision_store_extension();
	is_needed = OidIsValid(worker->extension) && provision_store_enter(&worker->incarnation, &is_stopped);
	if (!is_needed)
	{
		provision_store_commit();
		if (!is_stopped && MyBgworkerEntry->bgw_restart_time != BGW_NEVER_RESTART)
			proc_exit(0);		/* started without a launcher, and another one is there */
		provision_worker_leave_process(OidIsValid(worker->extension) && !is_stopped);
	}
	provision_store_correct_times(LONGEST_RETRY_AFTER_S);
	worker->has_peers = true;	/* perhaps dead ones */
}

/* For the calls that begin from now on. */
static void
change_limits(void)
{
	HttpLimits	limits = present_limits();

	if (!provision_http_client_change_limits(&limits))
		ereport(LOG,
				errcode(ERRCODE_OUT_OF_MEMORY),
				errmsg("could not change the limits of HTTP calls"),
				errdetail("Memory is lacking."));
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
		change_limits();
		provision_keeper_expire();
		worker->must_look = true;
		worker->purge_due_at = DT_NOEND;	/* provision.retention may be another */
	}
}

/*
 * Timers go by the wall clock where SQL does; after it was set they are made
 * anew.
 */
static void
notice_set_clock(Worker *worker)
{
	int64		set_by = provision_clock_was_set_by();

	if (set_by == 0)
		return;
	worker->must_look = true;
	worker->purge_due_at = DT_NOEND;
	worker->must_correct_times = worker->must_correct_times || set_by < 0;
	worker->clock_trusted_at_ms = provision_clock_ms() + CLOCK_TRUST_MS;
}

/* Who cannot enter service yet is not needed less: it waits. */
static void
enter_service_in_time(Worker *worker)
{
	while (!ShutdownRequestPending && !provision_trouble_outlive("entering service", enter_service, worker))
	{
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
						 provision_trouble_pause_ms(), PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
		handle_interrupts(worker);
		provision_shared_tell(SETTLED);
	}
	if (ShutdownRequestPending && worker->incarnation == 0)
		provision_worker_leave_process(true);
	provision_shared_tell(SETTLED);
}

static long
milliseconds_until(TimestampTz time, long longest)
{
	if (time == DT_NOEND)
		return -1;
	return Min(TimestampDifferenceMilliseconds(GetCurrentTimestamp(), time), longest);
}

/* -1 stands for never. */
static long
sooner(long one, long other)
{
	if (one < 0 || other < 0)
		return Max(one, other);
	return Min(one, other);
}

static long
time_to_wait(const Worker *worker)
{
	int64		now = provision_clock_ms();
	long		timeout = provision_http_client_timeout_ms();

	if (worker->hindered_until_ms > now)
		return sooner(worker->hindered_until_ms - now, timeout < 0 ? timeout : Max(timeout, SHORTEST_HINDERED_WAIT_MS));
	timeout = sooner(sooner(timeout, provision_keeper_wait_ms()), milliseconds_until(worker->due_at, CLOCK_LOOK_MS));
	timeout = sooner(timeout, provision_chores_wait_ms(worker));
	if (worker->clock_trusted_at_ms > now)
		return sooner(timeout, worker->clock_trusted_at_ms - now);
	return sooner(timeout, milliseconds_until(worker->purge_due_at, LONGEST_WAIT_MS));
}

static void
wait_for_something(Worker *worker)
{
	if (!worker->must_look || worker->hindered_until_ms > provision_clock_ms())
	{
		long		timeout = time_to_wait(worker);

		if (timeout < 0)
			pgstat_report_stat(true);	/* it may be long until the next chance */
		if (provision_waiting_wait(timeout))
			worker->must_look = true;
	}
	if (worker->due_at <= GetCurrentTimestamp())
		worker->must_look = true;
}

/* While a key command runs nothing is recorded, but calls go on, and so does whatever all processes are asked for. */
static bool
serve_calls(int timeout_ms)
{
	(void) provision_waiting_wait(sooner(timeout_ms, provision_http_client_timeout_ms()));
	provision_http_client_work();
	QueryCancelPending = false;
	CHECK_FOR_INTERRUPTS();
	return !ShutdownRequestPending;
}

static void
do_leave(void *argument)
{
	Worker	   *worker = argument;
	Datum		jobs;

	if (provision_store_extension() != worker->extension)
		return;
	if (worker->answers != NIL)
		provision_store_record(worker->incarnation, worker->answers, &jobs);
	provision_chores_finish(worker);
	provision_store_leave(worker->incarnation);
}

/*
 * What is answered within a moment is recorded; the rest is given back, to be
 * looked after before it is repeated.  What libcurl has not sent yet stays
 * unsent: a commit may have waited for long after it was handed over, and
 * whoever promoted a standby meanwhile has made the call there.
 */
static void
leave_service(Worker *worker)
{
	int64		end = provision_clock_ms() + FAREWELL_MS;
	int64		left;

	provision_http_client_withdraw();
	while (provision_http_client_in_flight() > 0 && (left = end - provision_clock_ms()) > 0)
	{
		provision_waiting_wait(sooner(left, provision_http_client_timeout_ms()));
		provision_round_take_answers(worker);
	}
	for (int tries = 0; tries < FAREWELL_TRIES; tries++)
	{
		if (provision_trouble_outlive("leaving service", do_leave, worker))
			break;
		provision_waiting_wait(provision_trouble_pause_ms());
	}
	provision_http_client_close();
	pgstat_report_stat(true);
	provision_shared_tell(LEFT);
}

/* Told to stop, possibly while the keys were read, the worker begins no round: its calls would not be sent. */
static bool
may_run_round(const Worker *worker)
{
	return !ShutdownRequestPending && worker->hindered_until_ms <= provision_clock_ms() &&
		(worker->must_look || (worker->answers != NIL && !worker->some_were_locked));
}

static void
set_up_process(Oid database)
{
	provision_shared_began_at_ms = provision_clock_ms();
	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	provision_shutdown_watch();
	BackgroundWorkerUnblockSignals();
	BackgroundWorkerInitializeConnectionByOid(database, InvalidOid, 0);
	provision_session_prepare();
	provision_plan_timeout_ms = PLAN_TIMEOUT_MS;
}

void
provision_worker_main(Datum database)
{
	Worker		worker = {.must_look = true, .due_at = DT_NOEND, .figures_due_at = DT_NOEND, .purge_due_at = DT_NOEND};

	set_up_process(DatumGetObjectId(database));
	worker.round = AllocSetContextCreate(TopMemoryContext, "provision round", ALLOCSET_DEFAULT_SIZES);
	MemoryContextSwitchTo(worker.round);
	enter_service_in_time(&worker);
	open_client();
	while (!ShutdownRequestPending && !worker.is_stopped)
	{
		handle_interrupts(&worker);
		notice_set_clock(&worker);
		provision_round_take_answers(&worker);
		worker.must_look |= provision_keeper_refresh(serve_calls);
		if (may_run_round(&worker))
			provision_round_run(&worker);
		provision_chores_do(&worker);
		if (!worker.is_stopped)
			wait_for_something(&worker);
		MemoryContextReset(worker.round);
	}
	leave_service(&worker);
	provision_worker_leave_process(!worker.is_stopped);
}
