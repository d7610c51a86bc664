/*
 * webhooks.c
 *		Delivery of events to webhooks, beside the rounds.
 *
 * A look is one transaction: what was answered is recorded, and what is due is
 * written down as being sent. The requests go out after its commit. It is
 * planned by a round (somebody may have queued something), by an answer, or
 * by the time at which the next try is due.
 */
#include "postgres.h"

#include "postmaster/interrupt.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "clock.h"
#include "fault.h"
#include "http_client.h"
#include "store_webhooks.h"
#include "trouble.h"
#include "webhooks.h"

/* Rounds follow each other in milliseconds; looks need not. */
#define LOOK_INTERVAL_MS 20

/* Another worker is at it, or somebody has locked a webhook. */
#define TAKEN_PAUSE_MS 50
#define LOCKED_PAUSE_MS 500

/* What waits is counted at most this often. */
#define TRIM_INTERVAL_MS 10000

/* A wait must fit the operating system's integers; the clock may be set meanwhile, and is looked at this often. */
#define LONGEST_PAUSE_MS 60000

static List *answers = NIL;		/* HttpAnswer *, not recorded yet, in TopMemoryContext */
static int	in_flight = 0;
static int64 due_at_ms = 0;		/* of the next look, because something happened; 0: nothing did */
static TimestampTz retry_at = DT_NOEND; /* when a delivery is due by itself */
static int64 looked_at_ms = 0;
static int64 trimmed_at_ms = 0;

static void
plan_look(int64 at_ms)
{
	at_ms = Max(at_ms, looked_at_ms + LOOK_INTERVAL_MS);
	due_at_ms = due_at_ms == 0 ? at_ms : Min(due_at_ms, at_ms);
}

bool
provision_webhooks_take(HttpAnswer *answer)
{
	MemoryContext caller;

	if (answer->attempt_id >= 0)
		return false;
	caller = MemoryContextSwitchTo(TopMemoryContext);
	answers = lappend(answers, answer);
	MemoryContextSwitchTo(caller);
	in_flight--;
	plan_look(provision_clock_ms());
	PROVISION_FAULT("delivery_answered");
	return true;
}

int
provision_webhooks_in_flight(void)
{
	return in_flight;
}

void
provision_webhooks_plan(bool some_exist)
{
	if (some_exist)
		plan_look(provision_clock_ms());
}

int64
provision_webhooks_due_at_ms(void)
{
	int64		retry_at_ms;

	if (retry_at == DT_NOEND)
		return due_at_ms;
	retry_at_ms = provision_clock_ms() + Min(TimestampDifferenceMilliseconds(GetCurrentTimestamp(), retry_at), LONGEST_PAUSE_MS);
	return due_at_ms == 0 ? retry_at_ms : Min(due_at_ms, retry_at_ms);
}

/* What a look came to; of use only once it is committed. */
typedef struct Look
{
	const Worker *worker;
	bool		is_taken;		/* another worker is at it */
	List	   *remaining;
	List	   *requests;
	TimestampTz next_at;
} Look;

static void
trim_from_time_to_time(void)
{
	if (trimmed_at_ms != 0 && provision_clock_ms() - trimmed_at_ms < TRIM_INTERVAL_MS)
		return;
	provision_store_trim_deliveries();
	trimmed_at_ms = provision_clock_ms();
}

static void
do_look(void *argument)
{
	Look	   *look = argument;

	provision_round_leave_if_extension_changed(look->worker);
	look->is_taken = !provision_store_take_delivery_turn();
	if (look->is_taken)
		return;
	if (answers != NIL)
	{
		look->remaining = provision_store_record_deliveries(look->worker->incarnation, answers);
		PROVISION_FAULT("delivery_recorded");
	}
	trim_from_time_to_time();
	look->requests = provision_store_begin_deliveries(look->worker->incarnation);
	look->next_at = provision_store_next_delivery_at();
}

/* Those that remain stay; the others are freed. */
static void
keep_answers(const List *remaining)
{
	MemoryContext caller = MemoryContextSwitchTo(TopMemoryContext);
	List	   *kept = NIL;
	ListCell   *cell;

	foreach(cell, answers)
	{
		if (list_member_ptr(remaining, lfirst(cell)))
			kept = lappend(kept, lfirst(cell));
		else
			provision_http_answer_free(lfirst(cell));
	}
	list_free(answers);
	answers = kept;
	MemoryContextSwitchTo(caller);
}

static void
send_requests(List *requests)
{
	ListCell   *cell;

	foreach(cell, requests)
	{
		if (!provision_http_client_send(lfirst(cell)))
			ereport(ERROR,
					errcode(ERRCODE_OUT_OF_MEMORY),
					errmsg("could not start a delivery"),
					errdetail("libcurl is out of memory."));
		in_flight++;
	}
}

/* Begins nothing when the worker was told to stop: whatever was intended is taken back when it leaves. */
static void
finish_look(const Look *look)
{
	looked_at_ms = provision_clock_ms();
	if (look->is_taken)
	{
		plan_look(looked_at_ms + TAKEN_PAUSE_MS);
		return;
	}
	keep_answers(look->remaining);
	if (look->requests != NIL)
		PROVISION_FAULT("delivery_intended");
	if (!ShutdownRequestPending)
		send_requests(look->requests);
	if (answers != NIL)
		plan_look(looked_at_ms + LOCKED_PAUSE_MS);
	retry_at = look->next_at;
	if (look->requests == NIL && retry_at <= GetCurrentTimestamp())		/* somebody has locked what is due */
		retry_at = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), TAKEN_PAUSE_MS);
}

void
provision_webhooks_do(Worker *worker)
{
	Look		look = {.worker = worker, .next_at = DT_NOEND};

	if (retry_at <= GetCurrentTimestamp())
	{
		plan_look(provision_clock_ms());
		retry_at = DT_NOEND;
	}
	if (due_at_ms == 0 || due_at_ms > provision_clock_ms() || ShutdownRequestPending)
		return;
	if (provision_trouble_outlive("delivering to webhooks", do_look, &look))
	{
		due_at_ms = 0;
		finish_look(&look);
	}
	else
		provision_round_hold_off(worker);
}

void
provision_webhooks_finish(const Worker *worker)
{
	if (answers != NIL && provision_store_take_delivery_turn())
		(void) provision_store_record_deliveries(worker->incarnation, answers);
}
