/*
 * background.c
 *		Asks the postmaster for our background processes.
 */
#include "postgres.h"

#include "miscadmin.h"

#include "background.h"

static void
fill_in_worker(BackgroundWorker *worker, const char *type, const char *function, Datum argument)
{
	memset(worker, 0, sizeof(*worker));
	worker->bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION;
	worker->bgw_start_time = BgWorkerStart_RecoveryFinished;
	worker->bgw_main_arg = argument;
	strlcpy(worker->bgw_name, type, BGW_MAXLEN);
	strlcpy(worker->bgw_type, type, BGW_MAXLEN);
	strlcpy(worker->bgw_library_name, "provision", sizeof(worker->bgw_library_name));
	strlcpy(worker->bgw_function_name, function, sizeof(worker->bgw_function_name));
}

void
provision_background_register_launcher(void)
{
	BackgroundWorker worker;

	fill_in_worker(&worker, "provision launcher", "provision_launcher_main", (Datum) 0);
	worker.bgw_restart_time = 5;
	RegisterBackgroundWorker(&worker);
}

void
provision_background_start_lone_worker(Oid database)
{
	BackgroundWorker worker;

	fill_in_worker(&worker, "provision worker", "provision_worker_main", ObjectIdGetDatum(database));
	worker.bgw_restart_time = 5;
	if (!RegisterDynamicBackgroundWorker(&worker, NULL))
		ereport(WARNING,
				errcode(ERRCODE_INSUFFICIENT_RESOURCES),
				errmsg("could not start a provision worker"),
				errdetail("All worker processes are in use."),
				errhint("Raise max_worker_processes, then call provision_worker_start() again."));
}

bool
provision_background_start_worker(Oid database, BackgroundWorkerHandle **handle)
{
	BackgroundWorker worker;

	fill_in_worker(&worker, "provision worker", "provision_worker_main", ObjectIdGetDatum(database));
	worker.bgw_restart_time = BGW_NEVER_RESTART;
	worker.bgw_notify_pid = MyProcPid;
	return RegisterDynamicBackgroundWorker(&worker, handle);
}
