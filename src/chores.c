/*
 * chores.c
 *		What a worker does beside its rounds: old history is removed, new events
 *		are sealed, what is known of callers is written down, and webhooks are
 *		told what happened.
 *
 * Each chore is a short transaction that waits for nobody. None is planned
 * but by a round, so that an idle worker has none.
 */
#include "postgres.h"

#include "utils/timestamp.h"

#include "callers.h"
#include "chores.h"
#include "clock.h"
#include "fault.h"
#include "settings.h"
#include "trouble.h"
#include "webhooks.h"

/* History is looked through at most once in this time, unless a batch was not enough. */
#define PURGE_INTERVAL_MS (60 * 60 * 1000)

/* Events are sealed at most this often, and less often while a transaction that is open keeps them from it. */
#define SEAL_INTERVAL_MS 1000
#define LONGEST_SEAL_PAUSE_MS 60000

/* As much of what callers did is forgotten when the server crashes. */
#define CALLERS_INTERVAL_MS 1000

/* When the oldest history is too old changes only when some is removed, or written for the first time. */
void
provision_chores_look(Worker *worker)
{
	TimestampTz due_at;

	if (worker->has_more_history)
		worker->purge_due_at = GetCurrentTimestamp();
	else if (worker->purge_due_at == DT_NOEND || worker->purge_due_at <= worker->purged_at)
	{
		due_at = provision_store_history_due_at();
		worker->purge_due_at = due_at == DT_NOEND ? DT_NOEND :
			Max(due_at, TimestampTzPlusMilliseconds(worker->purged_at, PURGE_INTERVAL_MS));
	}
}

static void
plan_sealing(Worker *worker, int pause_ms)
{
	worker->seal_pause_ms = pause_ms;
	worker->seal_due_at_ms = provision_clock_ms() + pause_ms;
}

void
provision_chores_plan(Worker *worker)
{
	if (provision_audit_chain && worker->seal_due_at_ms == 0)
		plan_sealing(worker, SEAL_INTERVAL_MS);
	if (worker->callers_due_at_ms == 0 && provision_callers_changed_since(worker->callers_kept))
		worker->callers_due_at_ms = provision_clock_ms() + CALLERS_INTERVAL_MS;
}

static bool
may_purge(const Worker *worker)
{
	return worker->purge_due_at <= GetCurrentTimestamp() && provision_clock_ms() >= worker->clock_trusted_at_ms;
}

static void
do_purge(void *argument)
{
	Worker	   *worker = argument;

	provision_round_leave_if_extension_changed(worker);
	worker->has_more_history = provision_store_purge();
}

static void
purge(Worker *worker)
{
	worker->has_more_history = false;
	if (!provision_trouble_outlive("removing old history", do_purge, worker))
		provision_round_hold_off(worker);
	worker->purged_at = GetCurrentTimestamp();
	worker->must_look = true;	/* for the outlook */
}

typedef struct Sealing
{
	Worker	   *worker;
	int64		sealed;
	bool		is_behind;
} Sealing;

static void
do_seal(void *argument)
{
	Sealing    *sealing = argument;

	provision_round_leave_if_extension_changed(sealing->worker);
	sealing->sealed = provision_store_seal(&sealing->is_behind);
	PROVISION_FAULT("sealed");
}

static void
seal(Worker *worker)
{
	Sealing		sealing = {.worker = worker};
	bool		is_done = provision_trouble_outlive("sealing events", do_seal, &sealing);

	if (!is_done)
		provision_round_hold_off(worker);
	if (is_done && !sealing.is_behind)
		worker->seal_due_at_ms = 0;
	else if (sealing.sealed > 0)
		plan_sealing(worker, SEAL_INTERVAL_MS);
	else
		plan_sealing(worker, Min(2 * worker->seal_pause_ms, LONGEST_SEAL_PAUSE_MS));
}

static void
do_keep_callers(void *argument)
{
	Worker	   *worker = argument;

	provision_round_leave_if_extension_changed(worker);
	worker->callers_kept = provision_store_keep_callers(worker->callers_kept);
}

/* A number that was taken in a transaction which failed is set back: what it stands for was not kept. */
static void
keep_callers(Worker *worker)
{
	int64		kept = worker->callers_kept;

	if (!provision_trouble_outlive("keeping what is known of callers", do_keep_callers, worker))
	{
		worker->callers_kept = kept;
		provision_round_hold_off(worker);
	}
	worker->callers_due_at_ms = provision_callers_changed_since(worker->callers_kept) ? provision_clock_ms() + CALLERS_INTERVAL_MS : 0;
}

void
provision_chores_do(Worker *worker)
{
	if (worker->hindered_until_ms > provision_clock_ms())
		return;
	if (may_purge(worker))
		purge(worker);
	if (worker->seal_due_at_ms != 0 && worker->seal_due_at_ms <= provision_clock_ms())
		seal(worker);
	if (worker->callers_due_at_ms != 0 && worker->callers_due_at_ms <= provision_clock_ms())
		keep_callers(worker);
	provision_webhooks_do(worker);
}

void
provision_chores_finish(Worker *worker)
{
	if (provision_callers_changed_since(worker->callers_kept))
		(void) provision_store_keep_callers(worker->callers_kept);
	provision_webhooks_finish(worker);
}

static int64
sooner(int64 one, int64 other)
{
	return one == 0 || other == 0 ? Max(one, other) : Min(one, other);
}

long
provision_chores_wait_ms(const Worker *worker)
{
	int64		due_at_ms = sooner(sooner(worker->seal_due_at_ms, worker->callers_due_at_ms), provision_webhooks_due_at_ms());

	return due_at_ms == 0 ? -1 : Max(due_at_ms - provision_clock_ms(), 0);
}
