/*
 * worker.h
 *		The background worker of one database.
 */
#ifndef PROVISION_WORKER_H
#define PROVISION_WORKER_H

#include "postgres.h"

/* Argument: the database's oid. */
extern PGDLLEXPORT void provision_worker_main(Datum database);

/* wanted: this database needs another worker in its place. */
extern void provision_worker_leave_process(bool wanted) pg_attribute_noreturn();

#endif							/* PROVISION_WORKER_H */
