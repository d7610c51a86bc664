/*
 * plan.c
 *		Calls a workflow's plan function by its name.
 *
 * EXECUTE in PL/pgSQL would parse and plan the same statement for every call
 * of every job: measured, that was a third of a round. Here the plan is kept,
 * and PostgreSQL's plan cache notices when the function is replaced. It is
 * always made and run by the same role, so row security does not undo it.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"
#include "utils/timeout.h"

#include "clock.h"
#include "plan.h"
#include "planner.h"

int			provision_plan_timeout_ms = 0;

#define NAME_SIZE (2 * NAMEDATALEN + 2)

typedef struct KnownPlan
{
	char		function[NAME_SIZE];	/* hash key: schema.name */
	SPIPlanPtr	plan;
	int			limit_ms;		/* halved each time it does not end in time */
	bool		has_hung;		/* it did not end in time when it last ran */
} KnownPlan;

/*
 * While a plan function runs, all other jobs wait. One that has hung may do
 * so again only after as long a time for the others, and what has not hung
 * before gets little time until then.
 */
static int64 rest_until_ms = 0;

#define SHORTEST_LIMIT_MS 500
#define LONG_MS 400				/* so long is too long in vain, for a locked table for example */

static HTAB *known_plans = NULL;

/* A plan function may ask another one: there is one timer, that of the outer. */
static bool timer_is_set = false;

static SPIPlanPtr
prepare_plan(const char *function)
{
	Oid			argument = JSONBOID;
	SPIPlanPtr	plan = SPI_prepare(psprintf("SELECT * FROM %s($1)", function), 1, &argument);

	if (plan == NULL || SPI_keepplan(plan) != 0)
		elog(ERROR, "could not prepare plan function %s: %s", function, SPI_result_code_string(SPI_result));
	return plan;
}

/* A function that cannot be prepared leaves no entry behind. */
static KnownPlan *
find_plan(const char *function)
{
	KnownPlan  *known;
	SPIPlanPtr	plan;
	bool		found;

	if (known_plans == NULL)
	{
		HASHCTL		control = {.keysize = NAME_SIZE, .entrysize = sizeof(KnownPlan), .hcxt = TopMemoryContext};

		known_plans = hash_create("provision plan functions", 32, &control,
								  HASH_ELEM | HASH_STRINGS | HASH_CONTEXT);
	}
	known = hash_search(known_plans, function, HASH_FIND, NULL);
	if (known != NULL)
		return known;
	plan = prepare_plan(function);
	known = hash_search(known_plans, function, HASH_ENTER, &found);
	known->plan = plan;
	known->limit_ms = provision_plan_timeout_ms;
	known->has_hung = false;
	return known;
}

static void
require_rows_of_calls(TupleDesc expected, TupleDesc returned, const char *function)
{
	bool		matches = expected->natts == returned->natts;

	for (int i = 0; matches && i < expected->natts; i++)
		matches = TupleDescAttr(expected, i)->atttypid == TupleDescAttr(returned, i)->atttypid;
	if (!matches)
		ereport(ERROR,
				errcode(ERRCODE_DATATYPE_MISMATCH),
				errmsg("plan function %s does not return calls", function),
				errhint("Declare it RETURNS SETOF provision.call."));
}

/* The step is planned again in a moment; see next_call() in SQL. */
static void
put_off(const KnownPlan *known)
{
	ereport(ERROR,
			errcode(MAKE_SQLSTATE('P', 'V', '2', '0', '1')),
			errmsg("plan function %s is put off because it did not end in time before", known->function));
}

static void
note_hang(KnownPlan *known, int64 took_ms)
{
	known->has_hung = true;
	rest_until_ms = provision_clock_ms() + took_ms;
}

/* limit_ms was too little; whether the function is to blame depends on how much it was. */
static void
end_hang(KnownPlan *known, int limit_ms)
{
	if (limit_ms < known->limit_ms)
		put_off(known);
	known->limit_ms = Max(known->limit_ms / 2, SHORTEST_LIMIT_MS);
	ereport(ERROR,
			errcode(MAKE_SQLSTATE('P', 'V', '2', '0', '2')),
			errmsg("plan function %s did not end within %d ms", known->function, limit_ms));
}

static void
execute(const KnownPlan *known, Datum job)
{
	int			code = SPI_execute_plan(known->plan, &job, NULL, true, 0);

	if (code != SPI_OK_SELECT)
		elog(ERROR, "could not run plan function %s: %s", known->function, SPI_result_code_string(code));
}

/*
 * The timer must be off again however the function ends. A cancellation
 * before the timer rings is somebody's, and passed on as such.
 */
static bool
ends_in_time(KnownPlan *known, Datum job, int limit_ms)
{
	int64		began_at_ms = provision_clock_ms();
	MemoryContext caller = CurrentMemoryContext;
	volatile bool is_in_time = true;

	enable_timeout_after(STATEMENT_TIMEOUT, limit_ms);
	timer_is_set = true;
	PG_TRY();
	{
		execute(known, job);
		disable_timeout(STATEMENT_TIMEOUT, false);
		timer_is_set = false;
	}
	PG_CATCH();
	{
		int64		took_ms = provision_clock_ms() - began_at_ms;

		disable_timeout(STATEMENT_TIMEOUT, false);
		timer_is_set = false;
		if (took_ms >= LONG_MS)
			note_hang(known, took_ms);
		if (geterrcode() != ERRCODE_QUERY_CANCELED || took_ms < limit_ms)
			PG_RE_THROW();
		MemoryContextSwitchTo(caller);
		FlushErrorState();
		is_in_time = false;
	}
	PG_END_TRY();
	if (provision_clock_ms() - began_at_ms >= limit_ms)
		QueryCancelPending = false; /* the timer may have fired in the last moment */
	return is_in_time;
}

/* With a time limit, in the worker; without one of its own where nobody else waits, or within another. */
static void
execute_in_time(KnownPlan *known, Datum job)
{
	bool		is_resting = provision_clock_ms() < rest_until_ms;
	int			limit_ms = is_resting ? Min(SHORTEST_LIMIT_MS, known->limit_ms) : known->limit_ms;

	if (provision_plan_timeout_ms == 0 || timer_is_set)
	{
		execute(known, job);
		return;
	}
	if (is_resting && known->has_hung)
		put_off(known);
	if (!ends_in_time(known, job, limit_ms))
		end_hang(known, limit_ms);
	known->has_hung = false;
	known->limit_ms = provision_plan_timeout_ms;
}

/* Preparing looks up names, which is the role's right as well. */
static void
execute_as_planner(const char *function, Datum job)
{
	PlannerSwitch before;

	provision_planner_begin(&before);
	PG_TRY();
	{
		execute_in_time(find_plan(function), job);
	}
	PG_FINALLY();
	{
		provision_planner_end(&before);
	}
	PG_END_TRY();
}

/*
 * run_plan(function text, job jsonb) RETURNS SETOF provision.call
 *
 * The name is one that passed the constraint plan_function_is_qualified, so
 * it needs no quoting. Whatever the function raises is passed on.
 */
PG_FUNCTION_INFO_V1(provision_run_plan);
Datum
provision_run_plan(PG_FUNCTION_ARGS)
{
	char	   *function = text_to_cstring(PG_GETARG_TEXT_PP(0));
	Datum		job = PG_GETARG_DATUM(1);
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;

	InitMaterializedSRF(fcinfo, 0);
	SPI_connect();
	if (strlen(function) >= NAME_SIZE)
		elog(ERROR, "name of plan function %s is too long", function);
	execute_as_planner(function, job);
	require_rows_of_calls(result->setDesc, SPI_tuptable->tupdesc, function);
	for (uint64 row = 0; row < SPI_processed; row++)
		tuplestore_puttuple(result->setResult, SPI_tuptable->vals[row]);
	SPI_finish();
	return (Datum) 0;
}
