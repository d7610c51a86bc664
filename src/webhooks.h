/*
 * webhooks.h
 *		Delivery of events to webhooks, beside the rounds.
 */
#ifndef PROVISION_WEBHOOKS_H
#define PROVISION_WEBHOOKS_H

#include "postgres.h"

#include "http_answer.h"
#include "round.h"

/* Keeps an answer when it is that of a delivery; false when it is a call's. */
extern bool provision_webhooks_take(HttpAnswer *answer);

/* Deliveries whose answer is not there yet. */
extern int	provision_webhooks_in_flight(void);

/* To be called after a round, which may have brought something to deliver. */
extern void provision_webhooks_plan(bool some_exist);

/* Records what was answered and sends what is due, when it is time to. */
extern void provision_webhooks_do(Worker *worker);

/* Records what was answered, in the transaction in which the worker leaves. */
extern void provision_webhooks_finish(const Worker *worker);

/* When to come again, by provision_clock_ms(), a minute ahead at most; 0: when something happens. */
extern int64 provision_webhooks_due_at_ms(void);

#endif							/* PROVISION_WEBHOOKS_H */
