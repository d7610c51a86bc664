/*
 * round.c
 *		One turn of a worker's work: record, plan, claim, commit, send.
 */
#include "postgres.h"

#include "postmaster/interrupt.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "answer_seals.h"
#include "chores.h"
#include "clock.h"
#include "fault.h"
#include "http_client.h"
#include "keeper.h"
#include "round.h"
#include "settings.h"
#include "trouble.h"
#include "webhooks.h"
#include "worker.h"

/* What somebody else has locked is tried again after this time, doubled each time in vain. */
#define LOCKED_PAUSE_MS 50
#define LONGEST_LOCKED_PAUSE_MS 1000

/* Bodies recorded in one round; further answers wait for the next, which follows at once. */
#define MAX_ROUND_BYTES (16 * 1024 * 1024)

/* Dead peers are looked for at most this often. */
#define RESCUE_INTERVAL_MS 1000

/* Figures are written at most this often, and once more when there is nothing to do. */
#define FIGURES_INTERVAL_MS 1000

void
provision_round_take_answers(Worker *worker)
{
	MemoryContext caller = MemoryContextSwitchTo(TopMemoryContext);
	HttpAnswer *answer;
	size_t		bytes = 0;
	ListCell   *cell;

	foreach(cell, worker->answers)
		bytes += ((HttpAnswer *) lfirst(cell))->body_length;
	provision_http_client_work();
	while (bytes < MAX_ROUND_BYTES && (answer = provision_http_client_next_answer()) != NULL)
	{
		if (provision_webhooks_take(answer))
			continue;
		provision_answer_seal(answer);
		worker->answers = lappend(worker->answers, answer);
		bytes += answer->body_length;
	}
	MemoryContextSwitchTo(caller);
	if (worker->answers != NIL)
		PROVISION_FAULT("answered");
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
		provision_store_wipe_secrets(request);
	}
}

/*
 * Their answers, which say how far they came, are ready at once and recorded
 * in the next round. A call that has ended meanwhile keeps its own.
 */
static void
end_calls(const StoreOutlook *outlook)
{
	for (int i = 0; i < outlook->calls_to_end_count; i++)
		provision_http_client_cancel(outlook->calls_to_end[i]);
}

/* Of a round that was given up. */
static void
forget_requests(List *requests)
{
	ListCell   *cell;

	foreach(cell, requests)
		provision_store_wipe_secrets(lfirst(cell));
}

void
provision_round_leave_if_extension_changed(const Worker *worker)
{
	Oid			extension = provision_store_extension();

	if (extension == worker->extension)
		return;
	provision_store_commit();
	provision_worker_leave_process(OidIsValid(extension));
}

/* Those of jobs: a receiver of webhooks that is slow takes no place from them. */
static int
calls_in_flight(void)
{
	return provision_http_client_in_flight() - provision_webhooks_in_flight();
}

/* A round that only writes them leaves nothing to write, so that an idle worker comes to rest. */
static void
write_figures(Worker *worker, int new_calls)
{
	StoreFigures figures = worker->figures;
	int64		left = worker->figures_written_at_ms + FIGURES_INTERVAL_MS - provision_clock_ms();

	if (figures.rounds > 0 && left > 0)
	{
		worker->figures_due_at = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), left);
		return;
	}
	figures.rounds++;
	figures.calls += new_calls;
	figures.calls_in_flight = calls_in_flight() + new_calls;
	figures.memory_bytes = MemoryContextMemAllocated(TopMemoryContext, true);
	provision_store_figures(worker->incarnation, &figures);
	worker->figures_written_at_ms = provision_clock_ms();
	worker->figures_due_at = DT_NOEND;
}

static void
note_outlook(Worker *worker, const StoreOutlook *outlook)
{
	worker->is_stopped = outlook->is_stopped;
	worker->must_look = worker->must_look || outlook->has_suspect;
	worker->has_peers = outlook->has_peers;
	provision_webhooks_plan(outlook->has_webhooks);
}

void
provision_round_hold_off(Worker *worker)
{
	worker->hindered_until_ms = provision_clock_ms() + provision_trouble_pause_ms();
	worker->must_look = true;
}

/* A peer's death is known when the launcher wakes us, or at our start. */
static void
rescue_jobs_of_dead_peers(Worker *worker)
{
	int64		left = worker->rescued_at_ms + RESCUE_INTERVAL_MS - provision_clock_ms();

	worker->rescue_due_at = DT_NOEND;
	if (!worker->has_peers)
		return;
	if (left > 0)
	{
		worker->rescue_due_at = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), left);
		return;
	}
	if (provision_store_rescue())
		worker->rescue_due_at = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), RESCUE_INTERVAL_MS);
	worker->rescued_at_ms = provision_clock_ms();
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

/* What a round came to; of use only once it is committed. */
typedef struct Round
{
	Worker	   *worker;
	List	   *requests;
	List	   *remaining;
	StoreWork	work;
	StoreOutlook outlook;
} Round;

/* What outlived trouble is told when there is none. */
static void
make_good(Worker *worker)
{
	if (provision_trouble_untold()->count > 0)
		provision_store_tell_trouble(worker->incarnation, provision_trouble_untold());
	if (worker->must_correct_times)
		provision_store_correct_times(0);
}

/*
 * One transaction: what was answered, what follows from it, and new jobs into
 * the places that became free. Calls go out after its commit. Claimed jobs
 * are planned in the next round, so that a job which kills its worker while
 * it is planned is known to have been claimed.
 */
static void
do_round(void *argument)
{
	Round	   *round = argument;
	Worker	   *worker = round->worker;
	Datum		jobs;
	Datum		left_over;
	int			places;

	provision_round_leave_if_extension_changed(worker);
	make_good(worker);
	rescue_jobs_of_dead_peers(worker);
	jobs = provision_store_no_jobs();
	if (worker->answers != NIL)
	{
		round->remaining = provision_store_record(worker->incarnation, worker->answers, &jobs);
		provision_store_note_clocks(worker->answers);
		PROVISION_FAULT("recorded");
	}
	jobs = provision_store_touch(worker->incarnation, &worker->memory, jobs, &left_over);
	provision_store_begin_calls(worker->incarnation, jobs, &round->requests);
	PROVISION_FAULT("before_claim");
	places = provision_max_in_flight - calls_in_flight() - list_length(round->requests);
	round->work = provision_store_claim(worker->incarnation, &worker->memory, left_over, Max(places, 0));
	write_figures(worker, list_length(round->requests));
	provision_chores_look(worker);
	round->outlook = provision_store_end_round(worker->incarnation);
}

/* For tests: what was claimed, recorded or intended is committed, and nothing is sent yet. */
static void
pass_faults_after_commit(const Round *round)
{
	if (round->work.has_claimed)
		PROVISION_FAULT("claimed");
	if (round->worker->answers != NIL)
		PROVISION_FAULT("committed");
	if (round->requests != NIL)
		PROVISION_FAULT("intended");
}

void
provision_round_run(Worker *worker)
{
	Round		round = {.worker = worker};
	bool		was_fruitful;

	if (!provision_trouble_outlive("running a round", do_round, &round))
	{
		forget_requests(round.requests);
		provision_keeper_repeat();
		provision_round_hold_off(worker);
		return;
	}
	pass_faults_after_commit(&round);
	provision_trouble_told();
	worker->must_correct_times = false;
	provision_store_remember(&worker->memory, &round.work.memory);
	worker->figures.rounds++;
	worker->figures.calls += list_length(round.requests);
	worker->must_look = round.work.has_claimed || round.work.is_news;
	was_fruitful = worker->must_look || round.requests != NIL || worker->answers != NIL;
	keep_answers(worker, round.remaining);
	if (ShutdownRequestPending)
		forget_requests(round.requests);	/* given back by leave_service() */
	else
		send_requests(worker, round.requests);
	end_calls(&round.outlook);
	worker->due_at = Min(postpone_what_is_locked(worker, round.work.next_due_at, round.work.was_hindered, was_fruitful),
						 Min(worker->rescue_due_at, worker->figures_due_at));
	note_outlook(worker, &round.outlook);
	provision_chores_plan(worker);
}
