/*
 * line.c
 *		How much is to be done before a waiting job.
 *
 * A view asks this for every job it shows. So the line of an engine is read
 * once in a query and kept until its end, and each job is looked up in it.
 */
#include "postgres.h"

#include <math.h>

#include "executor/spi.h"
#include "fmgr.h"
#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/float.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"

/* So many waiting jobs are read one by one, as provision.waiting_stops() says; what is behind them is estimated. */
#define NEAR_JOBS 5000

/* So many are read at first for who turns out to ask for more than one. */
#define FIRST_JOBS 200

/* What adds up over all that is before a job. */
enum
{
	SUM_JOBS, SUM_SLOTS, SUM_SLOT_SECONDS, SUM_SLOT_VARIANCE, SUM_CALLS, SUM_COUNT
};

/* Columns of provision.stop. */
enum
{
	COLUMN_RANK = 1, COLUMN_JOB_ID, COLUMN_SITE, COLUMN_SUMS, COLUMN_EXCLUSIVE = COLUMN_SUMS + SUM_COUNT
};

typedef struct Stop
{
	double		rank;
	int64		job_id;
	int32		site;
	double		sums[SUM_COUNT];	/* with all before it, once the line is added up */
	double		exclusive;		/* likewise, of its site alone */
} Stop;

typedef struct Line
{
	int64		engine_id;
	double		known_to;		/* up to this rank it is known; before it was read, to none */
	int64		waiting;		/* jobs that were read one by one */
	uint64		count;
	Stop	   *stops;
	MemoryContext context;
} Line;

/* What is kept from one call to the next in a query. */
typedef struct Reading
{
	bool		sees_everything;	/* who asks */
	List	   *lines;
} Reading;

typedef struct SiteTotal
{
	int32		site;
	double		exclusive;
} SiteTotal;

static int
compare_places(double rank, int64 job_id, const Stop *stop)
{
	int			by_rank = float8_cmp_internal(rank, stop->rank);

	if (by_rank != 0)
		return by_rank;
	return job_id < stop->job_id ? -1 : job_id > stop->job_id;
}

static int
compare_stops(const void *left, const void *right)
{
	const Stop *stop = left;

	return compare_places(stop->rank, stop->job_id, right);
}

static double
double_column(HeapTuple row, TupleDesc columns, int number)
{
	bool		is_null;
	Datum		value = SPI_getbinval(row, columns, number, &is_null);

	return is_null ? 0 : DatumGetFloat8(value);
}

static void
read_stop(Stop *stop, HeapTuple row, TupleDesc columns)
{
	bool		is_null;

	stop->rank = double_column(row, columns, COLUMN_RANK);
	stop->job_id = DatumGetInt64(SPI_getbinval(row, columns, COLUMN_JOB_ID, &is_null));
	stop->site = DatumGetInt32(SPI_getbinval(row, columns, COLUMN_SITE, &is_null));
	for (int i = 0; i < SUM_COUNT; i++)
		stop->sums[i] = double_column(row, columns, COLUMN_SUMS + i);
	stop->exclusive = double_column(row, columns, COLUMN_EXCLUSIVE);
}

/* From what each adds to what it comes to with all before it. */
static void
add_up(Line *line)
{
	HASHCTL		options = {.keysize = sizeof(int32), .entrysize = sizeof(SiteTotal), .hcxt = CurrentMemoryContext};
	HTAB	   *sites = hash_create("sites of a line", 64, &options, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);

	for (uint64 i = 0; i < line->count; i++)
	{
		Stop	   *stop = &line->stops[i];
		bool		found;
		SiteTotal  *total = hash_search(sites, &stop->site, HASH_ENTER, &found);

		for (int sum = 0; i > 0 && sum < SUM_COUNT; sum++)
			stop->sums[sum] += line->stops[i - 1].sums[sum];
		total->exclusive = stop->exclusive += found ? total->exclusive : 0;
	}
	hash_destroy(sites);
}

/* Where not all was read that waits up to this rank, the last job that was read, and what has its rank, stay unknown. */
static void
note_extent(Line *line, double up_to, int max_jobs)
{
	double		last = -get_float8_infinity();

	line->waiting = 0;
	for (uint64 i = 0; i < line->count; i++)
	{
		if (line->stops[i].sums[SUM_JOBS] != 1)
			continue;
		line->waiting++;
		last = Max(last, line->stops[i].rank);
	}
	line->known_to = max_jobs < NEAR_JOBS && line->waiting >= max_jobs ? nextafter(last, -HUGE_VAL) : up_to;
}

/* With the snapshot of the query that asks, so that all its rows see one line. */
static void
read_line(Line *line, double up_to, int max_jobs)
{
	Oid			types[] = {INT8OID, FLOAT8OID, INT4OID, BOOLOID};
	Datum		values[] = {Int64GetDatum(line->engine_id), Float8GetDatum(up_to), Int32GetDatum(max_jobs), BoolGetDatum(max_jobs >= NEAR_JOBS)};

	MemoryContextReset(line->context);
	SPI_connect();
	if (SPI_execute_with_args("SELECT begun.* FROM provision.begun_stops($1, $2) AS begun"
							  " UNION ALL SELECT waiting.* FROM provision.waiting_stops($1, $2, $3) AS waiting"
							  " UNION ALL SELECT distant.* FROM provision.distant_stops($1, $2) AS distant WHERE $4",
							  lengthof(types), types, values, NULL, true, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not read the line of engine " INT64_FORMAT, line->engine_id);
	line->count = SPI_processed;
	line->stops = MemoryContextAlloc(line->context, Max(line->count, 1) * sizeof(Stop));
	for (uint64 i = 0; i < line->count; i++)
		read_stop(&line->stops[i], SPI_tuptable->vals[i], SPI_tuptable->tupdesc);
	note_extent(line, up_to, max_jobs);
	qsort(line->stops, line->count, sizeof(Stop), compare_stops);
	add_up(line);
	SPI_finish();
}

static Line *
find_line(List *lines, int64 engine_id)
{
	ListCell   *cell;

	foreach(cell, lines)
	{
		if (((Line *) lfirst(cell))->engine_id == engine_id)
			return lfirst(cell);
	}
	return NULL;
}

static Line *
make_line(int64 engine_id)
{
	Line	   *line = palloc0(sizeof(Line));

	line->engine_id = engine_id;
	line->known_to = -get_float8_infinity();
	line->context = AllocSetContextCreate(CurrentMemoryContext, "line of an engine", ALLOCSET_DEFAULT_SIZES);
	return line;
}

/* Each time as far again and more, so that all that was read in vain is less than what is read at last. */
static void
read_further(Line *line, double rank)
{
	for (int64 jobs = Max(4 * line->waiting, FIRST_JOBS); rank > line->known_to; jobs *= 4)
		read_line(line, get_float8_infinity(), (int) Min(jobs, NEAR_JOBS));
}

/*
 * Who asks for one job reads no further than to its place; who asks for
 * another one behind it may ask for more.
 */
static Line *
line_of(Reading *reading, FmgrInfo *function, int64 engine_id, double rank)
{
	MemoryContext caller = MemoryContextSwitchTo(function->fn_mcxt);
	Line	   *line = find_line(reading->lines, engine_id);

	if (line == NULL)
	{
		line = make_line(engine_id);
		read_line(line, rank, NEAR_JOBS);
		reading->lines = lappend(reading->lines, line);
	}
	else if (rank > line->known_to)
		read_further(line, rank);
	MemoryContextSwitchTo(caller);
	return line;
}

/* How many stops are before this place. */
static uint64
count_before(const Line *line, double rank, int64 job_id)
{
	uint64		low = 0;
	uint64		high = line->count;

	while (low < high)
	{
		uint64		middle = low + (high - low) / 2;

		if (compare_places(rank, job_id, &line->stops[middle]) > 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static double
exclusive_before(const Line *line, uint64 before, int32 site)
{
	while (before > 0 && line->stops[before - 1].site != site)
		before--;
	return before > 0 ? line->stops[before - 1].exclusive : 0;
}

/* Text of a query without operators, which would be looked up in the caller's search_path. */
static bool
ask_yes_or_no(const char *query, int count, Oid *types, Datum *values)
{
	bool		is_null;
	Datum		answer;

	SPI_connect();
	if (SPI_execute_with_args(query, count, types, values, NULL, true, 1) != SPI_OK_SELECT || SPI_processed != 1)
		elog(ERROR, "could not ask: %s", query);
	answer = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &is_null);
	SPI_finish();
	return !is_null && DatumGetBool(answer);
}

static Reading *
reading_of(FmgrInfo *function)
{
	Reading    *reading = function->fn_extra;

	if (reading == NULL)
	{
		reading = MemoryContextAllocZero(function->fn_mcxt, sizeof(Reading));
		reading->sees_everything = ask_yes_or_no("SELECT provision.sees_everything()", 0, NULL, NULL);
		function->fn_extra = reading;
	}
	return reading;
}

/* Everybody may call this; of what is at a place learns who may look at the job that is there. */
static bool
may_ask(const Reading *reading, FunctionCallInfo fcinfo)
{
	Oid			types[] = {INT8OID, FLOAT8OID, INT8OID, INT4OID};
	Datum		values[] = {PG_GETARG_DATUM(0), PG_GETARG_DATUM(1), PG_GETARG_DATUM(2), PG_GETARG_DATUM(3)};

	return reading->sees_everything ||
		ask_yes_or_no("SELECT provision.is_own_place($1, $2, $3, $4)", lengthof(types), types, values);
}

/* work_before(engine_id, rank, job_id, site): see its COMMENT. */
PG_FUNCTION_INFO_V1(provision_work_before);
Datum
provision_work_before(PG_FUNCTION_ARGS)
{
	Reading    *reading = reading_of(fcinfo->flinfo);
	double		rank = PG_GETARG_FLOAT8(1);
	Line	   *line;
	uint64		before;
	TupleDesc	row;
	Datum		values[SUM_COUNT + 1];
	bool		nulls[SUM_COUNT + 1] = {false};

	if (get_call_result_type(fcinfo, NULL, &row) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "work_before() must return a row");
	if (!may_ask(reading, fcinfo))
		PG_RETURN_NULL();
	line = line_of(reading, fcinfo->flinfo, PG_GETARG_INT64(0), rank);
	before = count_before(line, rank, PG_GETARG_INT64(2));
	for (int sum = 0; sum < SUM_COUNT; sum++)
		values[sum] = Float8GetDatum(before > 0 ? line->stops[before - 1].sums[sum] : 0);
	values[SUM_JOBS] = Int64GetDatum(before > 0 ? (int64) line->stops[before - 1].sums[SUM_JOBS] : 0);
	values[SUM_COUNT] = Float8GetDatum(exclusive_before(line, before, PG_GETARG_INT32(3)));
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(row), values, nulls)));
}
