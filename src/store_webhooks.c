/*
 * store_webhooks.c
 *		What the worker says to the database about deliveries to webhooks.
 *
 * Here their secrets are opened, used for a signature and wiped. What cannot
 * be signed is taken back before the transaction ends.
 */
#include "postgres.h"

#include <time.h>

#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"

#include "answer_columns.h"
#include "http_answer.h"
#include "http_request.h"
#include "keeper.h"
#include "row.h"
#include "settings.h"
#include "statement.h"
#include "store_webhooks.h"
#include "webhook_signature.h"

/* Of an answer nothing is wanted but its status; a little is kept for whoever looks for errors. */
#define MAX_ANSWER_BYTES 4096

/* The present secret, and the one before it. */
#define MAX_SECRETS 2

static Statement take_delivery_turn = {
	"SELECT provision.take_delivery_turn()",
	0, {0}
};
static Statement record_deliveries = {
	"SELECT provision.record_deliveries($1, $2, $3, $4, $5, $6, $7, $8)",
	8, {INT8OID, INT8ARRAYOID, TEXTARRAYOID, INT4ARRAYOID, INT4ARRAYOID, TEXTARRAYOID, TEXTARRAYOID, INT8ARRAYOID}
};
static Statement begin_deliveries = {
	"SELECT delivery_id, url, body, message_id, timeout_ms, sealed, identities FROM provision.begin_deliveries($1, $2)",
	2, {INT8OID, INT4OID}
};
static Statement wait_for_signing_keys = {
	"SELECT provision.wait_for_signing_keys($1, $2)",
	2, {INT8ARRAYOID, TEXTARRAYOID}
};
static Statement trim_deliveries = {
	"SELECT provision.trim_deliveries()",
	0, {0}
};
static Statement next_delivery_at = {
	"SELECT provision.next_delivery_at($1)",
	1, {INT4OID}
};

bool
provision_store_take_delivery_turn(void)
{
	bool		is_null;

	provision_statement_run(&take_delivery_turn, NULL, NULL);
	return DatumGetBool(provision_row_value(0, 1, &is_null));
}

List *
provision_store_record_deliveries(int64 incarnation, List *answers)
{
	/* The columns of a list of answers that a delivery has use for. */
	static const int columns[] = {2, 3, 4, 5, 7, 8, 9};
	Datum		values[MAX_ARGUMENTS] = {Int64GetDatum(incarnation)};
	int64	   *left_over;
	int			count;
	List	   *remaining = NIL;
	ListCell   *cell;
	MemoryContext caller;

	for (int i = 0; i < lengthof(columns); i++)
		values[i + 1] = provision_answer_column(answers, columns[i], record_deliveries.arguments[i + 1]);
	provision_statement_run(&record_deliveries, values, NULL);
	left_over = provision_row_numbers(0, 1, &count, provision_statement_context);
	caller = MemoryContextSwitchTo(provision_statement_context);
	foreach(cell, answers)
	{
		HttpAnswer *answer = lfirst(cell);

		for (int i = 0; i < count; i++)
			if (left_over[i] == answer->attempt_id)
				remaining = lappend(remaining, answer);
	}
	MemoryContextSwitchTo(caller);
	return remaining;
}

/* Opens one secret, signs with it and wipes it; NULL, and why in problem, when that cannot be done. */
static char *
sign(const HttpRequest *request, const char *identity, const bytea *sealed, char problem[KEY_PROBLEM_SIZE])
{
	size_t		size = VARSIZE_ANY_EXHDR(sealed);
	char	   *secret = palloc0(size + 1);
	size_t		length;
	char	   *signature = palloc(WEBHOOK_SIGNATURE_SIZE);
	bool		is_signed = false;

	if (!provision_keeper_open(identity, (const unsigned char *) VARDATA_ANY(sealed), size,
							   (unsigned char *) secret, &length, problem))
		return NULL;
	is_signed = provision_webhook_signature_make(secret, request->webhook_id, request->webhook_timestamp,
												 request->body, request->body_length, signature);
	explicit_bzero(secret, size);
	if (!is_signed)
		snprintf(problem, KEY_PROBLEM_SIZE, "Its secret is not one of a webhook; provision_webhook_rotate() makes a new one.");
	return is_signed ? signature : NULL;
}

/* The value of webhook-signature: one for each secret. NULL as above. */
static char *
signatures_of_row(uint64 row, const HttpRequest *request, char problem[KEY_PROBLEM_SIZE])
{
	bool		is_null;
	Datum	   *sealed;
	Datum	   *identities;
	int			count;
	char	   *all = palloc0(MAX_SECRETS * (WEBHOOK_SIGNATURE_SIZE + 1));

	deconstruct_array(DatumGetArrayTypeP(provision_row_value(row, 6, &is_null)), BYTEAOID, -1, false, TYPALIGN_INT,
					  &sealed, NULL, &count);
	deconstruct_array(DatumGetArrayTypeP(provision_row_value(row, 7, &is_null)), TEXTOID, -1, false, TYPALIGN_INT,
					  &identities, NULL, &count);
	snprintf(problem, KEY_PROBLEM_SIZE, "It has no secret; provision_webhook_rotate() makes one.");
	for (int i = 0; i < Min(count, MAX_SECRETS); i++)
	{
		char	   *signature = sign(request, TextDatumGetCString(identities[i]), DatumGetByteaPP(sealed[i]), problem);

		if (signature == NULL)
			return NULL;
		if (i > 0)
			strcat(all, " ");
		strcat(all, signature);
	}
	return count > 0 ? all : NULL;
}

static HttpRequest *
request_of_row(uint64 row)
{
	HttpRequest *request = palloc0(sizeof(HttpRequest));
	bool		is_null;

	request->attempt_id = -DatumGetInt64(provision_row_value(row, 1, &is_null));
	request->method = "POST";
	request->url = provision_row_text(row, 2, provision_statement_context);
	request->body = provision_row_text(row, 3, provision_statement_context);
	request->body_length = strlen(request->body);
	request->webhook_id = provision_row_text(row, 4, provision_statement_context);
	request->webhook_timestamp = psprintf(INT64_FORMAT, (int64) time(NULL));
	request->timeout_ms = provision_row_number(row, 5);
	request->connect_timeout_ms = Min(request->timeout_ms, provision_connect_timeout);
	request->max_body_size = MAX_ANSWER_BYTES;
	request->peer = HTTP_PEER_CALLBACK;
	request->mutation = true;
	return request;
}

/* Those that cannot be signed are left out; the other lists tell which and why. */
static List *
requests_of_rows(ArrayBuildState **unsigned_ids, ArrayBuildState **problems)
{
	List	   *requests = NIL;
	char		problem[KEY_PROBLEM_SIZE];
	MemoryContext caller = MemoryContextSwitchTo(provision_statement_context);

	for (uint64 row = 0; row < SPI_processed; row++)
	{
		HttpRequest *request = request_of_row(row);

		request->webhook_signature = signatures_of_row(row, request, problem);
		if (request->webhook_signature != NULL)
		{
			requests = lappend(requests, request);
			continue;
		}
		*unsigned_ids = accumArrayResult(*unsigned_ids, Int64GetDatum(-request->attempt_id), false, INT8OID, provision_statement_context);
		*problems = accumArrayResult(*problems, CStringGetTextDatum(problem), false, TEXTOID, provision_statement_context);
	}
	MemoryContextSwitchTo(caller);
	return requests;
}

List *
provision_store_begin_deliveries(int64 incarnation)
{
	Datum		values[] = {Int64GetDatum(incarnation), Int32GetDatum(provision_webhook_in_flight)};
	ArrayBuildState *unsigned_ids = NULL;
	ArrayBuildState *problems = NULL;
	List	   *requests;

	provision_statement_run(&begin_deliveries, values, NULL);
	requests = requests_of_rows(&unsigned_ids, &problems);
	if (unsigned_ids != NULL)
	{
		values[0] = makeArrayResult(unsigned_ids, provision_statement_context);
		values[1] = makeArrayResult(problems, provision_statement_context);
		provision_statement_run(&wait_for_signing_keys, values, NULL);
		provision_keeper_note_waiting(true);
	}
	return requests;
}

void
provision_store_trim_deliveries(void)
{
	provision_statement_run(&trim_deliveries, NULL, NULL);
}

TimestampTz
provision_store_next_delivery_at(void)
{
	Datum		values[] = {Int32GetDatum(provision_webhook_in_flight)};

	provision_statement_run(&next_delivery_at, values, NULL);
	return provision_row_time(0, 1);
}
