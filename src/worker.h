/*
 * worker.h
 *		The background worker of one database.
 */
#ifndef PROVISION_WORKER_H
#define PROVISION_WORKER_H

#include "postgres.h"

/* Argument: the database's oid. */
extern PGDLLEXPORT void provision_worker_main(Datum database);

#endif							/* PROVISION_WORKER_H */
