/*
 * round.h
 *		One turn of a worker's work.
 */
#ifndef PROVISION_ROUND_H
#define PROVISION_ROUND_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "nodes/pg_list.h"

#include "store.h"

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
	int64		rescued_at_ms;	/* those in ms are of clock.h, the others of the wall clock */
	TimestampTz rescue_due_at;
	int64		hindered_until_ms;	/* by trouble of the server: no transaction before */
	bool		has_more_history;
	TimestampTz purge_due_at;
	TimestampTz purged_at;
	int64		seal_due_at_ms; /* 0: nothing to seal */
	int			seal_pause_ms;
	int64		callers_due_at_ms;	/* 0: nothing new is known of callers */
	int64		callers_kept;	/* up to this change */
	bool		must_correct_times; /* the clock was set back */
	int64		clock_trusted_at_ms;
	StoreFigures figures;
	int64		figures_written_at_ms;
	TimestampTz figures_due_at;
	StoreMemory memory;
	MemoryContext round;
} Worker;

/* Lets libcurl work, and takes what was answered. */
extern void provision_round_take_answers(Worker *worker);

/*
 * Records what was answered, plans, claims, commits and sends; leaves the
 * process when the extension is gone. What hinders it only for a time makes
 * it hold off.
 */
extern void provision_round_run(Worker *worker);

/* No transaction for a while: the server is in trouble. */
extern void provision_round_hold_off(Worker *worker);

/* For transactions beside the rounds: the process ends when the extension it worked for is gone. */
extern void provision_round_leave_if_extension_changed(const Worker *worker);

#endif							/* PROVISION_ROUND_H */
