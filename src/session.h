/*
 * session.h
 *		The settings under which the worker's statements run.
 */
#ifndef PROVISION_SESSION_H
#define PROVISION_SESSION_H

/* Once, after the process is connected to its database. */
extern void provision_session_prepare(void);

#endif							/* PROVISION_SESSION_H */
