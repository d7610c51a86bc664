/*
 * wakeup.h
 *		What happens at commit: workers are woken, a worker is started.
 */
#ifndef PROVISION_WAKEUP_H
#define PROVISION_WAKEUP_H

#include "postgres.h"

/* Sets the latches of a database's background workers, at once. */
extern void provision_wakeup_workers_of(Oid database);

/*
 * When this transaction commits, workers of this database are woken. Costs
 * nothing more when it is called again in the same transaction.
 */
extern void provision_wakeup_at_commit(void);

/*
 * When this transaction commits, this database gets a worker: from the
 * launcher where there is one, else directly.
 */
extern void provision_wakeup_start_at_commit(void);

/* Watches for the extension being dropped in this session. */
extern void provision_wakeup_watch_drops(void);

#endif							/* PROVISION_WAKEUP_H */
