/*
 * row.c
 *		Reads the rows that the last statement of SPI returned.
 */
#include "postgres.h"

#include "executor/spi.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "encoding.h"
#include "row.h"

Datum
provision_row_value(uint64 row, int column, bool *is_null)
{
	if (row >= SPI_processed)
		elog(ERROR, "a statement returned too few rows");
	return SPI_getbinval(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, column, is_null);
}

Datum
provision_row_copy(uint64 row, int column, MemoryContext context)
{
	bool		is_null;
	Datum		value = provision_row_value(row, column, &is_null);
	MemoryContext caller = MemoryContextSwitchTo(context);

	value = datumCopy(value, false, -1);
	MemoryContextSwitchTo(caller);
	return value;
}

char *
provision_row_text(uint64 row, int column, MemoryContext context)
{
	bool		is_null;
	Datum		value = provision_row_value(row, column, &is_null);
	char	   *string;
	MemoryContext caller;

	if (is_null)
		return NULL;
	caller = MemoryContextSwitchTo(context);
	string = TextDatumGetCString(value);
	string = provision_encoding_to_utf8(string);
	MemoryContextSwitchTo(caller);
	return string;
}

int
provision_row_number(uint64 row, int column)
{
	bool		is_null;
	Datum		value = provision_row_value(row, column, &is_null);

	return is_null ? 0 : DatumGetInt32(value);
}

TimestampTz
provision_row_time(uint64 row, int column)
{
	bool		is_null;
	Datum		value = provision_row_value(row, column, &is_null);

	return is_null ? DT_NOEND : DatumGetTimestampTz(value);
}

int64 *
provision_row_numbers(uint64 row, int column, int *count, MemoryContext context)
{
	bool		is_null;
	Datum		value = provision_row_value(row, column, &is_null);
	ArrayType  *array;
	int64	   *numbers;

	*count = 0;
	if (is_null)
		return NULL;
	array = DatumGetArrayTypeP(value);
	*count = ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array));
	numbers = MemoryContextAlloc(context, Max(*count, 1) * sizeof(int64));
	memcpy(numbers, ARR_DATA_PTR(array), *count * sizeof(int64));
	return numbers;
}
