/*
 * chores.h
 *		What a worker does beside its rounds, in transactions of their own.
 */
#ifndef PROVISION_CHORES_H
#define PROVISION_CHORES_H

#include "round.h"

/* In a round: finds out when history is to be removed. */
extern void provision_chores_look(Worker *worker);

/* After a round, which may have left something to do. */
extern void provision_chores_plan(Worker *worker);

/* Does what is due: removes a batch of old history, seals new events, writes down what is known of callers. */
extern void provision_chores_do(Worker *worker);

/* The last chore of a worker, in the transaction in which it leaves. */
extern void provision_chores_finish(Worker *worker);

/* Until a chore of plan() is due; -1: none will be. */
extern long provision_chores_wait_ms(const Worker *worker);

#endif							/* PROVISION_CHORES_H */
