/*
 * trouble.h
 *		Transactions that outlive trouble of the server.
 */
#ifndef PROVISION_TROUBLE_H
#define PROVISION_TROUBLE_H

#include "postgres.h"

/* What was given up since it was last told, for the log of events. */
typedef struct Trouble
{
	int			count;			/* 0: none */
	char		sqlstate[6];
	char		message[200];	/* of the last error */
} Trouble;

/*
 * Runs the work in a transaction of its own; activity is shown in
 * pg_stat_activity. False: something that is neither the work's fault nor
 * lasting was in the way (no space, a locked table, a cancellation), nothing
 * was changed, and it is to be tried again after
 * provision_trouble_pause_ms(). Any other error is passed on.
 */
extern bool provision_trouble_outlive(const char *activity, void (*work) (void *), void *argument);

/* Grows while nothing succeeds. */
extern int	provision_trouble_pause_ms(void);

extern const Trouble *provision_trouble_untold(void);
extern void provision_trouble_told(void);

#endif							/* PROVISION_TROUBLE_H */
