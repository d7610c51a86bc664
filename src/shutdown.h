/*
 * shutdown.h
 *		A worker that is told to stop stops, even where its commit waits for a
 *		standby that is gone.
 */
#ifndef PROVISION_SHUTDOWN_H
#define PROVISION_SHUTDOWN_H

/* Installs the handler of SIGTERM. */
extern void provision_shutdown_watch(void);

/*
 * Commits the transaction.  If ShutdownRequestPending is set afterwards, it
 * may be known to this server alone: nothing may be sent that rests on it.
 */
extern void provision_shutdown_commit(void);

#endif							/* PROVISION_SHUTDOWN_H */
