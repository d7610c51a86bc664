/*
 * plan.c
 *		Calls a workflow's plan function by its name.
 *
 * EXECUTE in PL/pgSQL would parse and plan the same statement for every call
 * of every job: measured, that was a third of a round. Here the plan is kept,
 * and PostgreSQL's plan cache notices when the function is replaced.
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

#include "plan.h"

int			provision_plan_timeout_ms = 0;

#define NAME_SIZE (2 * NAMEDATALEN + 2)

typedef struct KnownPlan
{
	char		function[NAME_SIZE];	/* hash key: schema.name */
	SPIPlanPtr	plan;
} KnownPlan;

static HTAB *known_plans = NULL;

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
static SPIPlanPtr
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
		return known->plan;
	plan = prepare_plan(function);
	known = hash_search(known_plans, function, HASH_ENTER, &found);
	known->plan = plan;
	return plan;
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

/* The timer must be off again however the function ends. */
static void
execute_in_time(SPIPlanPtr plan, Datum job, const char *function)
{
	volatile int code = 0;

	if (provision_plan_timeout_ms > 0)
		enable_timeout_after(STATEMENT_TIMEOUT, provision_plan_timeout_ms);
	PG_TRY();
	{
		code = SPI_execute_plan(plan, &job, NULL, true, 0);
	}
	PG_FINALLY();
	{
		if (provision_plan_timeout_ms > 0)
			disable_timeout(STATEMENT_TIMEOUT, false);
	}
	PG_END_TRY();
	if (provision_plan_timeout_ms > 0)
		QueryCancelPending = false; /* the timer may have fired in the last moment */
	if (code != SPI_OK_SELECT)
		elog(ERROR, "could not run plan function %s: %s", function, SPI_result_code_string(code));
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
	execute_in_time(find_plan(function), job, function);
	require_rows_of_calls(result->setDesc, SPI_tuptable->tupdesc, function);
	for (uint64 row = 0; row < SPI_processed; row++)
		tuplestore_puttuple(result->setResult, SPI_tuptable->vals[row]);
	SPI_finish();
	return (Datum) 0;
}
