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

#define MAILBOX_SIZE 256

typedef enum News
{
	ASKED_FOR,					/* somebody wants workers here */
	SETTLED,					/* a worker stays here */
	LEFT,						/* a worker was told to end and did so in order */
	NOT_NEEDED					/* a worker found nothing to do here */
} News;

/* What is new about a database. Times are those of clock.h; 0: this did not happen. */
typedef struct Letter
{
	Oid			database;
	int64		asked_at_ms;
	int64		not_needed_at_ms;	/* when the worker began that found this */
	bool		settled;
	bool		left;
} Letter;

/* Set by a worker when it begins. */
extern int64 provision_shared_began_at_ms;

extern void provision_shared_request(void);

/* The launcher runs or will run in this server. */
extern bool provision_shared_exists(void);

/*
 * The launcher could not start a worker, because all worker processes of the
 * server were in use. Said by the launcher, for provision_doctor().
 */
extern void provision_shared_note_processes(bool are_lacking);
extern bool provision_shared_lacks_processes(void);

/*
 * Tells the launcher something about the present database, and wakes it. All
 * but a wish is said by a worker; that there is nothing to do counts for less
 * than a wish that is younger than this worker.
 * When the mailbox is full the launcher looks at every database again.
 */
extern void provision_shared_tell(News news);

/*
 * For the launcher: announces its latch, and takes the mail. Returns the
 * number of entries copied, -1 when the mailbox had overflowed.
 */
extern void provision_shared_open_mailbox(void);
extern int	provision_shared_take_mail(Letter mail[MAILBOX_SIZE]);

#endif							/* PROVISION_SHARED_H */
