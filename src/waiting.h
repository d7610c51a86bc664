/*
 * waiting.h
 *		The worker's one wait: latch, sockets, time, death of the postmaster.
 */
#ifndef PROVISION_WAITING_H
#define PROVISION_WAITING_H

#include "postgres.h"

/* descriptor: readable when the HTTP client has something to do. */
extern void provision_waiting_prepare(int descriptor);

/*
 * Waits at most timeout_ms (-1: without limit); true when the latch was set,
 * which is reset. Leaves the process when the postmaster is dead.
 */
extern bool provision_waiting_wait(long timeout_ms);

#endif							/* PROVISION_WAITING_H */
