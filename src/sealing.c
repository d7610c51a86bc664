/*
 * sealing.c
 *		The functions that seal secrets for SQL.
 *
 * None of them gives a secret back: what is opened here is sealed again at
 * once. Only the worker opens one to use it.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "storage/latch.h"
#include "utils/array.h"
#include "utils/builtins.h"

#include "keeper.h"

/* What is sealed has at most this many bytes. */
#define MAX_SECRET_SIZE 8192

#define PASSWORD_LENGTH 24

/*
 * While a key command runs. It must be ended before an error is raised, so a
 * cancellation is left to the caller; what all processes are asked for is done.
 */
static bool
wait_until_cancelled(int timeout_ms)
{
	(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, timeout_ms, PG_WAIT_EXTENSION);
	ResetLatch(MyLatch);
	if (QueryCancelPending || ProcDiePending)
		return false;
	HOLD_CANCEL_INTERRUPTS();
	CHECK_FOR_INTERRUPTS();
	RESUME_CANCEL_INTERRUPTS();
	return true;
}

static KeyRing *
load_or_refuse(void)
{
	char		problem[KEY_PROBLEM_SIZE];
	KeyRing    *ring = provision_keeper_load(wait_until_cancelled, problem);

	if (ring == NULL)
		CHECK_FOR_INTERRUPTS();
	if (ring == NULL)
		ereport(ERROR,
				errcode(ERRCODE_CONFIG_FILE_ERROR),
				errmsg("could not read the keys of secrets"),
				errdetail("%s", problem),
				errhint("Bring the key file back, or make one: its line is \"k1:\" and what \"openssl rand -hex 32\" prints, its mode 0600, "
						"its place in provision.key_file. What was sealed with a lost key has to be set again."));
	return ring;
}

/* Seals for SQL with the first key of the ring. */
static bytea *
seal(KeyRing *ring, const char *identity, const void *plain, size_t length)
{
	bytea	   *sealed = palloc(VARHDRSZ + length + provision_secret_overhead(provision_key_ring_id(ring, 0)));
	size_t		size;

	if (!provision_key_ring_seal(ring, identity, plain, length, (unsigned char *) VARDATA(sealed), &size))
		return NULL;
	SET_VARSIZE(sealed, VARHDRSZ + size);
	return sealed;
}

static void
refuse_unsealed(const bytea *sealed)
{
	if (sealed == NULL)
		ereport(ERROR,
				errcode(ERRCODE_SYSTEM_ERROR),
				errmsg("could not seal a secret"),
				errdetail("OpenSSL has no memory or no random numbers."));
}

/* Writes what is to be sealed, at most MAX_SECRET_SIZE bytes, where nobody else sees it; returns how many. */
typedef size_t (*WritePlain) (unsigned char *plain, FunctionCallInfo fcinfo);

static bytea *
seal_for_sql(FunctionCallInfo fcinfo, WritePlain write_plain, const text *identity, bool may_make_key)
{
	KeyRing    *ring;
	unsigned char *plain;
	bytea	   *volatile sealed = NULL;

	if (may_make_key && provision_keeper_has_own_file())
		provision_keeper_make_own_file();
	ring = load_or_refuse();
	plain = provision_secret_allocate(MAX_SECRET_SIZE);
	PG_TRY();
	{
		if (plain != NULL)
			sealed = seal(ring, text_to_cstring(identity), plain, write_plain(plain, fcinfo));
	}
	PG_FINALLY();
	{
		provision_secret_free(plain, MAX_SECRET_SIZE);
		provision_key_ring_free(ring);
	}
	PG_END_TRY();
	refuse_unsealed(sealed);
	return sealed;
}

/* key:secret; the caller knows that both are short. */
static size_t
join_credentials(unsigned char *plain, FunctionCallInfo fcinfo)
{
	text	   *api_key = PG_GETARG_TEXT_PP(0);
	text	   *api_secret = PG_GETARG_TEXT_PP(1);
	size_t		key_length = VARSIZE_ANY_EXHDR(api_key);
	size_t		secret_length = VARSIZE_ANY_EXHDR(api_secret);

	memcpy(plain, VARDATA_ANY(api_key), key_length);
	plain[key_length] = ':';
	memcpy(plain + key_length + 1, VARDATA_ANY(api_secret), secret_length);
	return key_length + 1 + secret_length;
}

/*
 * seal_credentials(api_key text, api_secret text, identity text, may_make_key boolean) RETURNS bytea
 */
PG_FUNCTION_INFO_V1(provision_seal_credentials);
Datum
provision_seal_credentials(PG_FUNCTION_ARGS)
{
	if (VARSIZE_ANY_EXHDR(PG_GETARG_TEXT_PP(0)) + VARSIZE_ANY_EXHDR(PG_GETARG_TEXT_PP(1)) >= MAX_SECRET_SIZE)
		elog(ERROR, "credentials are too long");
	PG_RETURN_BYTEA_P(seal_for_sql(fcinfo, join_credentials, PG_GETARG_TEXT_PP(2), PG_GETARG_BOOL(3)));
}

static size_t
copy_value(unsigned char *plain, FunctionCallInfo fcinfo)
{
	text	   *value = PG_GETARG_TEXT_PP(0);

	memcpy(plain, VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value));
	return VARSIZE_ANY_EXHDR(value);
}

/*
 * seal_value(value text, identity text, may_make_key boolean) RETURNS bytea
 */
PG_FUNCTION_INFO_V1(provision_seal_value);
Datum
provision_seal_value(PG_FUNCTION_ARGS)
{
	if (VARSIZE_ANY_EXHDR(PG_GETARG_TEXT_PP(0)) > MAX_SECRET_SIZE)
		elog(ERROR, "the value is too long");
	PG_RETURN_BYTEA_P(seal_for_sql(fcinfo, copy_value, PG_GETARG_TEXT_PP(1), PG_GETARG_BOOL(2)));
}

/* Letters and digits alone, because Agent puts passwords into a command line as they are; some 142 bits. */
static size_t
make_password(unsigned char *plain, FunctionCallInfo fcinfo)
{
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
	const size_t letters = sizeof(alphabet) - 1;
	size_t		length = 0;

	while (length < PASSWORD_LENGTH)
	{
		unsigned char byte;

		if (!pg_strong_random(&byte, 1))
			elog(ERROR, "could not make a random password");
		if (byte < 256 / letters * letters)		/* or the first letters would come more often */
			plain[length++] = alphabet[byte % letters];
	}
	return length;
}

/*
 * seal_password(identity text, may_make_key boolean) RETURNS bytea: a new
 * password, which nobody but the worker will ever read.
 */
PG_FUNCTION_INFO_V1(provision_seal_password);
Datum
provision_seal_password(PG_FUNCTION_ARGS)
{
	PG_RETURN_BYTEA_P(seal_for_sql(fcinfo, make_password, PG_GETARG_TEXT_PP(0), PG_GETARG_BOOL(1)));
}

static bool
is_current(const KeyRing *ring, const bytea *sealed)
{
	char		id[SECRET_MAX_ID_LENGTH + 1];

	return provision_secret_key_id((const unsigned char *) VARDATA_ANY(sealed), VARSIZE_ANY_EXHDR(sealed), id) &&
		strcmp(id, provision_key_ring_id(ring, 0)) == 0;
}

/* Opens and seals again; the same value when its key is the current one, NULL when it does not open. */
static bytea *
reseal(KeyRing *ring, const char *identity, bytea *sealed, unsigned char *plain)
{
	char		problem[KEY_PROBLEM_SIZE];
	size_t		length;

	if (VARSIZE_ANY_EXHDR(sealed) > MAX_SECRET_SIZE ||
		!provision_keeper_open_with(ring, "", identity, (const unsigned char *) VARDATA_ANY(sealed),
									VARSIZE_ANY_EXHDR(sealed), plain, &length, problem))
		return NULL;
	return is_current(ring, sealed) ? sealed : seal(ring, identity, plain, length);
}

/* Each in its place, NULL where it does not open. */
static void
reseal_all(Datum *sealed, bool *nulls, const Datum *identities, int count)
{
	KeyRing    *ring = load_or_refuse();
	unsigned char *plain = provision_secret_allocate(MAX_SECRET_SIZE);

	PG_TRY();
	{
		for (int i = 0; i < count; i++)
		{
			bytea	   *again = plain == NULL ? NULL :
				reseal(ring, TextDatumGetCString(identities[i]), DatumGetByteaPP(sealed[i]), plain);

			CHECK_FOR_INTERRUPTS();
			nulls[i] = again == NULL;
			sealed[i] = PointerGetDatum(again);
		}
	}
	PG_FINALLY();
	{
		provision_secret_free(plain, MAX_SECRET_SIZE);
		provision_key_ring_free(ring);
	}
	PG_END_TRY();
}

/*
 * reseal_secrets(sealed bytea[], identities text[]) RETURNS bytea[]: each under
 * the current key, unchanged where it is already, null where it does not open.
 */
PG_FUNCTION_INFO_V1(provision_reseal_secrets);
Datum
provision_reseal_secrets(PG_FUNCTION_ARGS)
{
	Datum	   *sealed;
	Datum	   *identities;
	bool	   *nulls;
	int			count;
	int			identity_count;
	int			lower_bound = 1;

	deconstruct_array(PG_GETARG_ARRAYTYPE_P(0), BYTEAOID, -1, false, TYPALIGN_INT, &sealed, NULL, &count);
	deconstruct_array(PG_GETARG_ARRAYTYPE_P(1), TEXTOID, -1, false, TYPALIGN_INT, &identities, NULL, &identity_count);
	if (count != identity_count)
		elog(ERROR, "there are %d secrets and %d identities", count, identity_count);
	if (count == 0)
		PG_RETURN_DATUM(PG_GETARG_DATUM(0));
	nulls = palloc0(sizeof(bool) * count);
	reseal_all(sealed, nulls, identities, count);
	PG_RETURN_ARRAYTYPE_P(construct_md_array(sealed, nulls, 1, &count, &lower_bound, BYTEAOID, -1, false, TYPALIGN_INT));
}

static Datum
ids_of(const KeyRing *ring)
{
	Datum		ids[KEY_RING_MAX];
	int			count = 0;

	while (count < KEY_RING_MAX && provision_key_ring_id(ring, count) != NULL)
	{
		ids[count] = CStringGetTextDatum(provision_key_ring_id(ring, count));
		count++;
	}
	return PointerGetDatum(construct_array(ids, count, TEXTOID, -1, false, TYPALIGN_INT));
}

/*
 * key_report(OUT key_ids text[], OUT problem text, OUT lies_with_data boolean):
 * the current key first; both null when a command gives the keys, because it
 * is not run for a look.
 */
PG_FUNCTION_INFO_V1(provision_key_report);
Datum
provision_key_report(PG_FUNCTION_ARGS)
{
	TupleDesc	columns;
	Datum		values[3] = {0, 0, BoolGetDatum(provision_keeper_has_own_file())};
	bool		nulls[3] = {true, true, false};
	char		problem[KEY_PROBLEM_SIZE];
	KeyRing    *ring;

	if (get_call_result_type(fcinfo, NULL, &columns) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "key_report must be called for a row");
	if (!provision_keeper_has_command())
	{
		ring = provision_keeper_load(wait_until_cancelled, problem);
		nulls[ring != NULL ? 0 : 1] = false;
		if (ring != NULL)
			values[0] = ids_of(ring);
		else
			values[1] = CStringGetTextDatum(problem);
		provision_key_ring_free(ring);
	}
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(columns), values, nulls)));
}
