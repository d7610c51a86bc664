/*
 * worker.h
 *		The background worker of one database.
 */
#ifndef PROVISION_WORKER_H
#define PROVISION_WORKER_H

#include "postgres.h"

#include "compat.h"

/* Argument: the database's oid. */
extern PGDLLEXPORT void provision_worker_main(Datum database);

/* wanted: this database needs another worker in its place. */
pg_noreturn extern void provision_worker_leave_process(bool wanted);

#endif							/* PROVISION_WORKER_H */
