/*
 * store.h
 *		Everything the worker says to the database.
 *
 * Each function runs inside a transaction opened with provision_store_begin
 * and leaves errors to the caller, which is to say: to trouble.c, or to the end
 * of the process. Results are allocated in the context that was current at
 * provision_store_begin and outlive the commit.
 */
#ifndef PROVISION_STORE_H
#define PROVISION_STORE_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "nodes/pg_list.h"

#include "http_answer.h"
#include "http_request.h"
#include "trouble.h"

/* What the end of a round tells the worker. */
typedef struct StoreOutlook
{
	bool		is_stopped;		/* provision_worker_stop() was called */
	bool		has_peers;		/* other workers are registered, alive or not */
	bool		has_suspect;	/* a suspect's turn begins or has ended: another round at once */
	bool		has_webhooks;	/* there may be something to deliver */
	int64	   *calls_to_end;	/* attempts in flight that nobody waits for any more */
	int			calls_to_end_count;
} StoreOutlook;

/*
 * What the worker keeps in mind from one committed round to the next: the
 * jobs it claimed and has not begun, and how far it has looked (a
 * provision.bookmark, as text). Zeros at first.
 */
typedef struct StoreMemory
{
	Datum		claimed;
	Datum		bookmark;
} StoreMemory;

/* What a claim found. */
typedef struct StoreWork
{
	StoreMemory memory;			/* to be kept in mind if it is committed */
	bool		has_claimed;
	bool		is_news;		/* a job of this worker has become due meanwhile */
	bool		was_hindered;	/* somebody had a row locked; there may be more in a moment */
	TimestampTz next_due_at;	/* DT_NOEND: nothing is due by itself */
} StoreWork;

/* Figures of the worker for provision.worker_status. */
typedef struct StoreFigures
{
	int64		rounds;
	int64		calls;
	int			calls_in_flight;
	int64		memory_bytes;
} StoreFigures;

/* activity is shown in pg_stat_activity until the commit. */
extern void provision_store_begin(const char *activity);
extern void provision_store_commit(void);

/* The extension's oid in this database; InvalidOid: it is not there. */
extern Oid	provision_store_extension(void);

/*
 * Registers this process; false when it has nothing to do here: workers are
 * stopped (is_stopped) or there are enough of them.
 */
extern bool provision_store_enter(int64 *incarnation, bool *is_stopped);
extern void provision_store_leave(int64 incarnation);

/*
 * Takes the jobs of dead workers back; true when some could not be taken,
 * because somebody else has locked them.
 */
extern bool provision_store_rescue(void);

/*
 * Records the answers (a list of HttpAnswer *). Returns those whose job
 * somebody else has locked just now; they are to be recorded later. *jobs is
 * set for provision_store_touch in the same transaction.
 */
extern List *provision_store_record(int64 incarnation, List *answers, Datum *jobs);

/* Keeps how far the clocks of the servers that answered are from ours; at most once a minute. */
extern void provision_store_note_clocks(List *answers);

/*
 * The jobs to plan in this round, locked: those answered, those claimed in
 * the round before and those that are due. *left_over: claimed ones that
 * somebody else has locked, for provision_store_claim.
 */
extern Datum provision_store_touch(int64 incarnation, const StoreMemory *memory, Datum answered, Datum *left_over);

/*
 * Plans the calls (HttpRequest *) to send after the commit. Each is in the list
 * before its secrets are opened, so that after an error, too, whoever has the
 * list can wipe them.
 */
extern void provision_store_begin_calls(int64 incarnation, Datum jobs, List **requests);

/* Overwrites what was opened for a request, when it was sent or is not going to be. */
extern void provision_store_wipe_secrets(HttpRequest *request);

/* Promotes what is due and claims up to max_jobs. */
extern StoreWork provision_store_claim(int64 incarnation, const StoreMemory *memory, Datum left_over, int max_jobs);

/* Takes over what was committed. */
extern void provision_store_remember(StoreMemory *memory, const StoreMemory *committed);

extern StoreOutlook provision_store_end_round(int64 incarnation);
extern void provision_store_figures(int64 incarnation, const StoreFigures *figures);

/* When there is history to remove; DT_NOEND: there is no history. */
extern TimestampTz provision_store_history_due_at(void);

/* Removes a batch of what is older than provision.retention; false when none is left. */
extern bool provision_store_purge(void);

/* Writes down what changed of callers after the change of that number; returns the number of the last. */
extern int64 provision_store_keep_callers(int64 since);

/* Seals a batch of new events and returns how many; is_behind: there are more. */
extern int64 provision_store_seal(bool *is_behind);

/* An event about rounds that were given up. */
extern void provision_store_tell_trouble(int64 incarnation, const Trouble *trouble);

/* Ends pauses that the engine would not have made so long: the clock was set back. */
extern void provision_store_correct_times(int longest_pause_s);

/* An empty list of jobs for provision_store_touch. */
extern Datum provision_store_no_jobs(void);

#endif							/* PROVISION_STORE_H */
