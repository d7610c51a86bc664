/*
 * server_facts.c
 *		What SQL cannot see of the server it runs in.
 */
#include "postgres.h"

#include <unistd.h>

#include "access/htup_details.h"
#include "access/xlog.h"
#include "fmgr.h"
#include "funcapi.h"
#include "utils/builtins.h"

#include "server_facts.h"
#include "shared.h"

static bool started_from_backup = false;

static bool
file_exists(const char *path)
{
	return access(path, F_OK) == 0;
}

/*
 * The files are gone when recovery has ended. A standby has a backup label,
 * too, when it starts for the first time.
 */
void
provision_server_facts_note_start(void)
{
	started_from_backup = !file_exists(STANDBY_SIGNAL_FILE) &&
		(file_exists(RECOVERY_SIGNAL_FILE) || file_exists(BACKUP_LABEL_FILE));
}

/*
 * server_facts(): system identifier; timeline, NULL in recovery; whether this
 * server was started from a backup; whether the library is preloaded; whether
 * the launcher lacked a worker process when it last wanted one.
 */
PG_FUNCTION_INFO_V1(provision_server_facts);
Datum
provision_server_facts(PG_FUNCTION_ARGS)
{
	TupleDesc	row;
	Datum		values[5];
	bool		nulls[5] = {false};

	if (get_call_result_type(fcinfo, NULL, &row) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "server_facts() must return a row");
	values[0] = Int64GetDatum((int64) GetSystemIdentifier());
	nulls[1] = RecoveryInProgress();
	values[1] = nulls[1] ? (Datum) 0 : Int32GetDatum((int32) GetWALInsertionTimeLine());
	values[2] = BoolGetDatum(started_from_backup);
	values[3] = BoolGetDatum(provision_shared_exists());
	values[4] = BoolGetDatum(provision_shared_lacks_processes());
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(row), values, nulls)));
}
