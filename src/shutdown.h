/*
 * shutdown.h
 *		A commit that waits for a standby which is gone: a worker that is told to
 *		stop stops, one that is cancelled goes on waiting.
 */
#ifndef PROVISION_SHUTDOWN_H
#define PROVISION_SHUTDOWN_H

/* Installs the handlers of SIGTERM and SIGINT; once in a process. */
extern void provision_shutdown_watch(void);

/*
 * Commits the transaction.  If ShutdownRequestPending is set afterwards, it
 * may be known to this server alone: nothing may be sent that rests on it.
 */
extern void provision_shutdown_commit(void);

#endif							/* PROVISION_SHUTDOWN_H */
