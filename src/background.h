/*
 * background.h
 *		Asks the postmaster for our background processes.
 */
#ifndef PROVISION_BACKGROUND_H
#define PROVISION_BACKGROUND_H

#include "postgres.h"

#include "postmaster/bgworker.h"

/* The static launcher; only from shared_preload_libraries. */
extern void provision_background_register_launcher(void);

/*
 * A worker that is not started again when it ends, about which the calling
 * process is told; false when max_worker_processes is used up.
 */
extern bool provision_background_start_worker(Oid database, BackgroundWorkerHandle **handle);

/*
 * Without a launcher: one worker for this database, which the postmaster
 * starts again when it fails. Safe in a commit callback. A warning is raised
 * when max_worker_processes is used up.
 */
extern void provision_background_start_lone_worker(Oid database);

#endif							/* PROVISION_BACKGROUND_H */
