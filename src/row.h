/*
 * row.h
 *		The rows that the last statement of SPI returned.
 */
#ifndef PROVISION_ROW_H
#define PROVISION_ROW_H

#include "postgres.h"

#include "datatype/timestamp.h"

/* Lives as long as SPI's result. An error where there is no such row. */
extern Datum provision_row_value(uint64 row, int column, bool *is_null);

/* A varlena value, not null, copied to where it is kept. */
extern Datum provision_row_copy(uint64 row, int column, MemoryContext context);

/* A UTF-8 string, whatever the database's encoding; NULL for null. */
extern char *provision_row_text(uint64 row, int column, MemoryContext context);

/* An integer; 0 for null. */
extern int	provision_row_number(uint64 row, int column);

/* The elements of a bigint[] without nulls; none for null. */
extern int64 *provision_row_numbers(uint64 row, int column, int *count, MemoryContext context);

/* DT_NOEND for null. */
extern TimestampTz provision_row_time(uint64 row, int column);

#endif							/* PROVISION_ROW_H */
