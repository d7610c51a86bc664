/*
 * fuzz_retry_after.c
 *		libFuzzer: no Retry-After leads beyond its bounds.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "http_answer.h"

extern int	LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	char	   *value = malloc(length + 1);
	int64_t		wait;

	if (value == NULL)
		return 0;
	memcpy(value, bytes, length);
	value[length] = '\0';
	wait = provision_http_retry_after_ms(value, INT64_C(1795318680));
	if (wait < -1 || wait > INT64_C(86400000))
		abort();
	free(value);
	return 0;
}
