/*
 * launcher.h
 *		Keeps workers running in every database that has the extension.
 */
#ifndef PROVISION_LAUNCHER_H
#define PROVISION_LAUNCHER_H

#include "postgres.h"

/* Registers the static launcher; only from shared_preload_libraries. */
extern void provision_launcher_register(void);

/*
 * Without a launcher: one worker for this database, which the postmaster
 * starts again when it fails. Safe in a commit callback. A warning is raised
 * when max_worker_processes is used up.
 */
extern void provision_launcher_start_lone_worker(Oid database);

extern PGDLLEXPORT void provision_launcher_main(Datum unused);

#endif							/* PROVISION_LAUNCHER_H */
