/*
 * store.c
 *		What the worker says to the database: few, prepared once, set-based.
 *
 * Values are arguments, never part of a statement's text, so that nothing of
 * a tenant shows in pg_stat_activity or pg_stat_statements.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_extension.h"
#include "catalog/pg_type.h"
#include "commands/extension.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "storage/lmgr.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "answer_columns.h"
#include "clock.h"
#include "row.h"
#include "settings.h"
#include "shutdown.h"
#include "statement.h"
#include "store.h"

#define PURGE_ROWS 1000			/* of each table in one transaction */
#define SEAL_EVENTS 10000		/* in one transaction, about */
#define CLOCK_INTERVAL_MS 60000

static Statement enter_service = {
	"SELECT incarnation, is_stopped FROM provision.enter_service($1, $2)",
	2, {INT4OID, INT4OID}
};
static Statement leave_service = {
	"SELECT provision.leave_service($1)",
	1, {INT8OID}
};
static Statement rescue_jobs = {
	"SELECT provision.rescue_jobs()",
	0, {0}
};
static Statement record_answers = {
	"SELECT answered_jobs, left_over FROM provision.record_answers($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
	11, {INT8OID, INT8ARRAYOID, TEXTARRAYOID, INT4ARRAYOID, INT4ARRAYOID, TEXTARRAYOID, TEXTARRAYOID,
	TEXTARRAYOID, INT8ARRAYOID, TEXTARRAYOID, TEXTARRAYOID}
};
static Statement note_clocks = {
	"SELECT provision.note_clocks($1, $2)",
	2, {INT8ARRAYOID, INT8ARRAYOID}
};
static Statement touch_jobs = {
	"SELECT touched, left_over FROM provision.touch_jobs($1, $2, coalesce($3, '{}'), $4::provision.bookmark)",
	4, {INT8OID, INT8ARRAYOID, INT8ARRAYOID, TEXTOID}
};
static Statement claim_jobs = {
	"SELECT $4 || claimed_jobs, bookmark::text, claimed_jobs <> '{}', is_news, was_hindered OR $4 <> '{}', next_due_at"
	"  FROM provision.claim_jobs($1, $2, $3::provision.bookmark)",
	4, {INT8OID, INT4OID, TEXTOID, INT8ARRAYOID}
};
static Statement end_round = {
	"SELECT is_stopped, has_peers, has_suspect, calls_to_end, has_webhooks FROM provision.end_round($1)",
	1, {INT8OID}
};
static Statement keep_figures = {
	"SELECT provision.keep_figures($1, $2, $3, $4, $5)",
	5, {INT8OID, INT8OID, INT8OID, INT4OID, INT8OID}
};
static Statement history_due_at = {
	"SELECT provision.history_due_at()",
	0, {0}
};
static Statement purge_history = {
	"SELECT provision.purge_history($1)",
	1, {INT8OID}
};
static Statement keep_callers = {
	"SELECT provision.keep_callers($1)",
	1, {INT8OID}
};
static Statement seal_events = {
	"SELECT sealed, is_behind FROM provision.seal_events($1)",
	1, {INT8OID}
};

static Statement tell_trouble = {
	"SELECT provision.log_worker_trouble($1, $2, $3, $4)",
	4, {INT8OID, INT4OID, TEXTOID, TEXTOID}
};
static Statement correct_times = {
	"SELECT provision.correct_times(make_interval(secs => $1))",
	1, {FLOAT8OID}
};

void
provision_store_begin(const char *activity)
{
	provision_statement_context = CurrentMemoryContext;
	SetCurrentStatementStartTimestamp();
	pgstat_report_activity(STATE_RUNNING, activity);
	StartTransactionCommand();
	PushActiveSnapshot(GetTransactionSnapshot());
	SPI_connect();
}

void
provision_store_commit(void)
{
	SPI_finish();
	PopActiveSnapshot();
	provision_shutdown_commit();
	pgstat_report_stat(false);
	pgstat_report_activity(STATE_IDLE, NULL);
	MemoryContextSwitchTo(provision_statement_context);
}

/*
 * DROP EXTENSION locks the extension before its members; so do we, or the
 * two could wait for each other's tables.
 */
Oid
provision_store_extension(void)
{
	Oid			extension = get_extension_oid("provision", true);

	if (OidIsValid(extension))
		LockDatabaseObject(ExtensionRelationId, extension, 0, AccessShareLock);
	return get_extension_oid("provision", true);	/* it may be gone by now */
}

bool
provision_store_enter(int64 *incarnation, bool *is_stopped)
{
	Datum		values[] = {Int32GetDatum(MyProcPid), Int32GetDatum(provision_workers)};
	bool		is_null;
	Datum		value;

	provision_statement_run(&enter_service, values, NULL);
	*is_stopped = DatumGetBool(provision_row_value(0, 2, &is_null));
	value = provision_row_value(0, 1, &is_null);
	if (!is_null)
		*incarnation = DatumGetInt64(value);
	return !is_null;
}

void
provision_store_leave(int64 incarnation)
{
	Datum		values[] = {Int64GetDatum(incarnation)};

	provision_statement_run(&leave_service, values, NULL);
}

bool
provision_store_rescue(void)
{
	bool		is_null;

	provision_statement_run(&rescue_jobs, NULL, NULL);
	return DatumGetBool(provision_row_value(0, 1, &is_null));
}

static bool
contains(ArrayType *numbers, int64 wanted)
{
	int64	   *values = (int64 *) ARR_DATA_PTR(numbers);
	int			count = ArrayGetNItems(ARR_NDIM(numbers), ARR_DIMS(numbers));

	for (int i = 0; i < count; i++)
		if (values[i] == wanted)
			return true;
	return false;
}

List *
provision_store_record(int64 incarnation, List *answers, Datum *jobs)
{
	Datum		values[MAX_ARGUMENTS] = {Int64GetDatum(incarnation)};
	bool		is_null;
	ArrayType  *left_over;
	List	   *remaining = NIL;
	ListCell   *cell;
	MemoryContext caller;

	for (int i = 1; i < record_answers.argument_count; i++)
		values[i] = provision_answer_column(answers, i + 1, record_answers.arguments[i]);
	provision_statement_run(&record_answers, values, NULL);
	*jobs = provision_row_value(0, 1, &is_null);
	left_over = DatumGetArrayTypeP(provision_row_value(0, 2, &is_null));
	caller = MemoryContextSwitchTo(provision_statement_context);
	foreach(cell, answers)
	{
		HttpAnswer *answer = lfirst(cell);

		if (contains(left_over, answer->attempt_id))
			remaining = lappend(remaining, answer);
	}
	MemoryContextSwitchTo(caller);
	return remaining;
}

static Datum
array_of_numbers(Datum *numbers, int count)
{
	return PointerGetDatum(construct_array(numbers, count, INT8OID, sizeof(int64), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
}

void
provision_store_note_clocks(List *answers)
{
	static int64 noted_at_ms = -CLOCK_INTERVAL_MS;
	Datum	   *attempts;
	Datum	   *skews;
	Datum		values[2];
	int			count = 0;
	ListCell   *cell;

	if (answers == NIL || provision_clock_ms() - noted_at_ms < CLOCK_INTERVAL_MS)
		return;
	attempts = palloc(list_length(answers) * sizeof(Datum));
	skews = palloc(list_length(answers) * sizeof(Datum));
	foreach(cell, answers)
	{
		HttpAnswer *answer = lfirst(cell);

		if (answer->server_time == 0)
			continue;
		attempts[count] = Int64GetDatum(answer->attempt_id);
		skews[count++] = Int64GetDatum(answer->clock_skew);
	}
	if (count == 0)
		return;
	values[0] = array_of_numbers(attempts, count);
	values[1] = array_of_numbers(skews, count);
	provision_statement_run(&note_clocks, values, NULL);
	noted_at_ms = provision_clock_ms();
}

Datum
provision_store_touch(int64 incarnation, const StoreMemory *memory, Datum answered, Datum *left_over)
{
	Datum		values[] = {Int64GetDatum(incarnation), answered, memory->claimed, memory->bookmark};
	char		nulls[] = {' ', ' ', memory->claimed == 0 ? 'n' : ' ', memory->bookmark == 0 ? 'n' : ' '};
	bool		is_null;

	provision_statement_run(&touch_jobs, values, nulls);
	*left_over = provision_row_copy(0, 2, provision_statement_context);
	return provision_row_value(0, 1, &is_null);
}

StoreWork
provision_store_claim(int64 incarnation, const StoreMemory *memory, Datum left_over, int max_jobs)
{
	Datum		values[] = {Int64GetDatum(incarnation), Int32GetDatum(max_jobs), memory->bookmark, left_over};
	char		nulls[] = {' ', ' ', memory->bookmark == 0 ? 'n' : ' ', ' '};
	StoreWork	work;
	bool		is_null;

	provision_statement_run(&claim_jobs, values, nulls);
	work.memory.claimed = provision_row_copy(0, 1, provision_statement_context);
	work.memory.bookmark = provision_row_copy(0, 2, provision_statement_context);
	work.has_claimed = DatumGetBool(provision_row_value(0, 3, &is_null));
	work.is_news = DatumGetBool(provision_row_value(0, 4, &is_null));
	work.was_hindered = DatumGetBool(provision_row_value(0, 5, &is_null));
	work.next_due_at = provision_row_time(0, 6);
	return work;
}

static void
replace_value(Datum *kept, Datum value)
{
	Datum		copy = datumCopy(value, false, -1);

	if (*kept != 0)
		pfree(DatumGetPointer(*kept));
	*kept = copy;
}

void
provision_store_remember(StoreMemory *memory, const StoreMemory *committed)
{
	MemoryContext caller = MemoryContextSwitchTo(TopMemoryContext);

	replace_value(&memory->claimed, committed->claimed);
	replace_value(&memory->bookmark, committed->bookmark);
	MemoryContextSwitchTo(caller);
}

StoreOutlook
provision_store_end_round(int64 incarnation)
{
	Datum		values[] = {Int64GetDatum(incarnation)};
	StoreOutlook outlook;
	bool		is_null;

	provision_statement_run(&end_round, values, NULL);
	outlook.is_stopped = DatumGetBool(provision_row_value(0, 1, &is_null));
	outlook.has_peers = DatumGetBool(provision_row_value(0, 2, &is_null));
	outlook.has_suspect = DatumGetBool(provision_row_value(0, 3, &is_null));
	outlook.calls_to_end = provision_row_numbers(0, 4, &outlook.calls_to_end_count, provision_statement_context);
	outlook.has_webhooks = DatumGetBool(provision_row_value(0, 5, &is_null));
	return outlook;
}

void
provision_store_figures(int64 incarnation, const StoreFigures *figures)
{
	Datum		values[] = {
		Int64GetDatum(incarnation), Int64GetDatum(figures->rounds), Int64GetDatum(figures->calls),
		Int32GetDatum(figures->calls_in_flight), Int64GetDatum(figures->memory_bytes)
	};

	provision_statement_run(&keep_figures, values, NULL);
}

TimestampTz
provision_store_history_due_at(void)
{
	provision_statement_run(&history_due_at, NULL, NULL);
	return provision_row_time(0, 1);
}

bool
provision_store_purge(void)
{
	Datum		values[] = {Int64GetDatum(PURGE_ROWS)};

	provision_statement_run(&purge_history, values, NULL);
	return provision_statement_first_number() >= PURGE_ROWS;
}

int64
provision_store_keep_callers(int64 since)
{
	Datum		values[] = {Int64GetDatum(since)};

	provision_statement_run(&keep_callers, values, NULL);
	return provision_statement_first_number();
}

int64
provision_store_seal(bool *is_behind)
{
	Datum		values[] = {Int64GetDatum(SEAL_EVENTS)};
	bool		is_null;

	provision_statement_run(&seal_events, values, NULL);
	*is_behind = DatumGetBool(provision_row_value(0, 2, &is_null));
	return provision_statement_first_number();
}

void
provision_store_tell_trouble(int64 incarnation, const Trouble *trouble)
{
	Datum		values[] = {
		Int64GetDatum(incarnation), Int32GetDatum(trouble->count),
		CStringGetTextDatum(trouble->sqlstate), CStringGetTextDatum(trouble->message)
	};

	provision_statement_run(&tell_trouble, values, NULL);
}

void
provision_store_correct_times(int longest_pause_s)
{
	Datum		values[] = {Float8GetDatum(longest_pause_s)};

	provision_statement_run(&correct_times, values, NULL);
}

Datum
provision_store_no_jobs(void)
{
	return PointerGetDatum(construct_empty_array(INT8OID));
}
