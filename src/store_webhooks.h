/*
 * store_webhooks.h
 *		What the worker says to the database about deliveries to webhooks.
 *
 * As in store.h. A delivery goes to libcurl under its number below zero, so
 * that its answer is told from those of calls.
 */
#ifndef PROVISION_STORE_WEBHOOKS_H
#define PROVISION_STORE_WEBHOOKS_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "nodes/pg_list.h"

/* One worker at a time works on deliveries, until the end of its transaction; false when another one does. */
extern bool provision_store_take_delivery_turn(void);

/*
 * Records the answers (a list of HttpAnswer *). Returns those whose webhook
 * somebody else has locked just now; they are to be recorded later.
 */
extern List *provision_store_record_deliveries(int64 incarnation, List *answers);

/* What is due and has room, as requests (HttpRequest *) to send after the commit. */
extern List *provision_store_begin_deliveries(int64 incarnation);

/* Removes what a webhook has waiting beyond its limit. */
extern void provision_store_trim_deliveries(void);

/* When there is something to deliver; DT_NOEND: when something happens. */
extern TimestampTz provision_store_next_delivery_at(void);

#endif							/* PROVISION_STORE_WEBHOOKS_H */
