/*
 * supervised.h
 *		The databases that the launcher knows: those of the server that count,
 *		and what their workers and users have said.
 */
#ifndef PROVISION_SUPERVISED_H
#define PROVISION_SUPERVISED_H

#include "postgres.h"

#include "postmaster/bgworker.h"
#include "utils/hsearch.h"

#define MAX_WORKERS 64			/* upper bound of provision.workers */
#define FIRST_PAUSE_MS 1000		/* before a worker that died is replaced; doubled while they die young */

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

extern void provision_supervised_open(void);

/* Begins to look at all of them, in no order: hash_seq_search() gives the next, until NULL. */
extern void provision_supervised_scan(HASH_SEQ_STATUS *scan);

/* Of its workers, those whose end has not been seen yet. */
extern int	provision_supervised_count_workers(const Supervised *supervised);

/* Notes which databases exist, and forgets those that are gone with their last worker. */
extern void provision_supervised_read_list(void);

/* Notes what is in the mailbox; whether anything was. */
extern bool provision_supervised_read_mail(void);

#endif							/* PROVISION_SUPERVISED_H */
