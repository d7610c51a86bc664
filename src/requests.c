/*
 * requests.c
 *		The functions of SQL that count requests and keep what is known of
 *		callers.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "callers.h"
#include "compat.h"
#include "settings.h"
#include "wakeup.h"

#define MAX_ROW 10

typedef struct Request
{
	int			count;
	CallerKind *kinds;
	char	  **names;
	int		   *requests;
} Request;

PG_FUNCTION_INFO_V1(provision_requests_are_limited);
Datum
provision_requests_are_limited(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(provision_callers_are_limited());
}

static const char *
setting_of(CallerKind kind)
{
	return kind == CALLER_TENANT ? "provision.tenant_requests" :
		kind == CALLER_ADDRESS ? "provision.address_requests" : "provision.actor_requests";
}

/* How often it was refused before is part of the reason only from the second time on. */
static void
describe_offence(const Refusal *refusal)
{
	if (refusal->offences > 1)
		errdetail("%d were made within the last %d seconds; %s is %d. It has exceeded that %d times in a row.",
				  refusal->counted, provision_request_window, setting_of(refusal->kind), refusal->limit, refusal->offences);
	else
		errdetail("%d were made within the last %d seconds; %s is %d.",
				  refusal->counted, provision_request_window, setting_of(refusal->kind), refusal->limit);
}

pg_noreturn static void
refuse(const Refusal *refusal)
{
	const char *kind = provision_callers_kind_name(refusal->kind);

	if (refusal->wait_ms < 0)
		ereport(ERROR,
				errcode(MAKE_SQLSTATE('P', 'V', '0', '0', '8')),
				errmsg("too many requests at once for %s \"%s\"", kind, refusal->name),
				errdetail("%s is %d.", setting_of(refusal->kind), refusal->limit),
				errhint("Make them in smaller groups, over some time."));
	if (refusal->is_new)
		provision_wakeup_workers_of(MyDatabaseId);	/* this transaction will not commit, and a worker is to keep it */
	ereport(ERROR,
			(errcode(MAKE_SQLSTATE('P', 'V', '0', '0', '8')),
			 errmsg("too many requests for %s \"%s\"", kind, refusal->name),
			 describe_offence(refusal),
			 errhint("Try again in %d seconds.", (int) ((refusal->wait_ms + 999) / 1000))));
}

static void
add_caller(Request *request, CallerKind kind, char *name, int requests)
{
	request->kinds[request->count] = kind;
	request->names[request->count] = name;
	request->requests[request->count++] = requests;
}

/*
 * count_requests(tenants, actor_kind, actor, address): one request for each
 * tenant, as many for the actor and, where it is known, the address.
 */
PG_FUNCTION_INFO_V1(provision_count_requests);
Datum
provision_count_requests(PG_FUNCTION_ARGS)
{
	Datum	   *tenants;
	int			count;
	Request		request = {0};
	Refusal		refusal;

	deconstruct_array(PG_GETARG_ARRAYTYPE_P(0), TEXTOID, -1, false, TYPALIGN_INT, &tenants, NULL, &count);
	if (count == 0)
		PG_RETURN_VOID();
	request.kinds = palloc(sizeof(CallerKind) * (count + 2));
	request.names = palloc(sizeof(char *) * (count + 2));
	request.requests = palloc(sizeof(int) * (count + 2));
	add_caller(&request, provision_callers_kind_named(text_to_cstring(PG_GETARG_TEXT_PP(1))), text_to_cstring(PG_GETARG_TEXT_PP(2)), count);
	if (!PG_ARGISNULL(3))
		add_caller(&request, CALLER_ADDRESS, text_to_cstring(PG_GETARG_TEXT_PP(3)), count);
	for (int i = 0; i < count; i++)
		add_caller(&request, CALLER_TENANT, TextDatumGetCString(tenants[i]), 1);
	refusal = provision_callers_count(request.count, request.kinds, request.names, request.requests);
	if (refusal.kind != CALLER_NONE)
		refuse(&refusal);
	provision_wakeup_at_commit();	/* who keeps it */
	PG_RETURN_VOID();
}

PG_FUNCTION_INFO_V1(provision_callers_recalled);
Datum
provision_callers_recalled(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(provision_callers_are_recalled());
}

PG_FUNCTION_INFO_V1(provision_mark_recalled);
Datum
provision_mark_recalled(PG_FUNCTION_ARGS)
{
	provision_callers_set_recalled();
	PG_RETURN_VOID();
}

/* recall_caller(kind, name, slice_ms, slice, counts, offences, waits_until) */
PG_FUNCTION_INFO_V1(provision_recall_caller);
Datum
provision_recall_caller(PG_FUNCTION_ARGS)
{
	Caller		kept = {.kind = provision_callers_kind_named(text_to_cstring(PG_GETARG_TEXT_PP(0)))};
	Datum	   *counts;
	int			count;

	strlcpy(kept.name, text_to_cstring(PG_GETARG_TEXT_PP(1)), NAMEDATALEN);
	kept.slice_ms = PG_GETARG_INT32(2);
	kept.slice = PG_GETARG_INT64(3);
	deconstruct_array(PG_GETARG_ARRAYTYPE_P(4), INT4OID, sizeof(int32), true, TYPALIGN_INT, &counts, NULL, &count);
	for (int i = 0; i < Min(count, KEPT_SLICES); i++)
		kept.counts[i] = DatumGetInt32(counts[i]);
	kept.offences = PG_GETARG_INT32(5);
	kept.waits_until_ms = PG_GETARG_TIMESTAMPTZ(6) / 1000;
	provision_callers_recall(&kept);
	PG_RETURN_VOID();
}

static Datum
counts_of(const Caller *caller)
{
	Datum		counts[KEPT_SLICES];

	for (int i = 0; i < KEPT_SLICES; i++)
		counts[i] = Int32GetDatum(caller->counts[i]);
	return PointerGetDatum(construct_array(counts, KEPT_SLICES, INT4OID, sizeof(int32), true, TYPALIGN_INT));
}

static Datum
caller_row(TupleDesc row, const Caller *caller, int32 place)
{
	bool		nulls[MAX_ROW] = {false};
	Datum		values[MAX_ROW] = {
		Int32GetDatum(place),
		CStringGetTextDatum(provision_callers_kind_name(caller->kind)),
		CStringGetTextDatum(caller->name),
		Int32GetDatum(caller->slice_ms),
		Int64GetDatum(caller->slice),
		counts_of(caller),
		Int32GetDatum(caller->offences),
		TimestampTzGetDatum(caller->waits_until_ms * 1000),
		TimestampTzGetDatum(provision_callers_over_at_ms(caller) * 1000),
		Int64GetDatum(caller->change)
	};

	return HeapTupleGetDatum(heap_form_tuple(row, values, nulls));
}

typedef struct Changed
{
	Caller	   *callers;
	int32	   *places;
} Changed;

static void
begin_changed(FuncCallContext *call, FunctionCallInfo fcinfo)
{
	MemoryContext caller = MemoryContextSwitchTo(call->multi_call_memory_ctx);
	Changed    *changed = palloc(sizeof(Changed));

	if (get_call_result_type(fcinfo, NULL, &call->tuple_desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "changed_callers() must return rows");
	call->tuple_desc = BlessTupleDesc(call->tuple_desc);
	call->max_calls = provision_callers_changed(PG_GETARG_INT64(0), &changed->callers, &changed->places);
	call->user_fctx = changed;
	MemoryContextSwitchTo(caller);
}

/* changed_callers(since): what provision.caller is to be told. */
PG_FUNCTION_INFO_V1(provision_changed_callers);
Datum
provision_changed_callers(PG_FUNCTION_ARGS)
{
	FuncCallContext *call;
	Changed    *changed;
	uint64		next;

	if (SRF_IS_FIRSTCALL())
	{
		call = SRF_FIRSTCALL_INIT();
		begin_changed(call, fcinfo);
	}
	call = SRF_PERCALL_SETUP();
	changed = call->user_fctx;
	next = call->call_cntr;
	if (next < call->max_calls)
		SRF_RETURN_NEXT(call, caller_row(call->tuple_desc, &changed->callers[next], changed->places[next]));
	SRF_RETURN_DONE(call);
}
