/*
 * shared.h
 *		The launcher's mailbox in shared memory: which databases want workers.
 *
 * It exists only where the library is in shared_preload_libraries; without
 * it there is no launcher to write to.
 */
#ifndef PROVISION_SHARED_H
#define PROVISION_SHARED_H

#include "postgres.h"

#include "datatype/timestamp.h"

#define MAILBOX_SIZE 256

typedef struct WantedDatabase
{
	Oid			database;
	bool		wanted;
	TimestampTz at;				/* wanted: when it was asked for; else: when the
								 * worker began that found nothing to do */
} WantedDatabase;

extern void provision_shared_request(void);

/* The launcher runs or will run in this server. */
extern bool provision_shared_exists(void);

/*
 * Tells the launcher whether this database wants workers, and wakes it. That
 * it does not is said by a worker, and counts for less than a wish that is
 * younger than this worker.
 * When the mailbox is full the launcher looks at every database again.
 */
extern void provision_shared_want(Oid database, bool wanted);

/*
 * For the launcher: announces its latch, and takes the mail. Returns the
 * number of entries copied, -1 when the mailbox had overflowed.
 */
extern void provision_shared_open_mailbox(void);
extern int	provision_shared_take_mail(WantedDatabase mail[MAILBOX_SIZE]);

#endif							/* PROVISION_SHARED_H */
