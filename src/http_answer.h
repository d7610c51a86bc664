/*
 * http_answer.h
 *		What became of one HTTP request.
 *
 * Nothing here knows PostgreSQL: the same code is linked into the extension,
 * the unit tests and the fuzzers.
 */
#ifndef PROVISION_HTTP_ANSWER_H
#define PROVISION_HTTP_ANSWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How far a request came.  In doubt it is DELIVERY_UNKNOWN. */
typedef enum Delivery
{
	DELIVERY_NOT_SENT,			/* no byte of it left: safe to repeat */
	DELIVERY_UNKNOWN,			/* the server may have acted: look first */
	DELIVERY_ANSWERED			/* status and body are complete, but for a
								 * body cut by our own limit */
} Delivery;

/* Made by the client, freed with provision_http_answer_free. */
typedef struct HttpAnswer
{
	int64_t		attempt_id;
	Delivery	delivery;
	int			curl_code;		/* CURLcode; 0 when answered */
	char	   *error;			/* what went wrong, one line of UTF-8 without
								 * secrets: the phase, then the reason; NULL
								 * when answered */
	int			http_status;	/* 0: no status line came.  May be set although
								 * the delivery is unknown */
	char	   *location;		/* where a 3xx sends to, an absolute URL in one
								 * line of UTF-8; never followed; NULL: none */
	char	   *content_type;	/* one line of UTF-8; NULL: none */
	char	   *body;			/* raw decoded bytes, NUL-terminated for
								 * convenience; NULL: none came */
	size_t		body_length;	/* without that NUL */
	bool		body_too_large; /* body is cut at the limit */
	char	   *note;			/* that of the request */
	int64_t		retry_after_ms; /* 0 ... 1 day; -1: no usable Retry-After */
	int64_t		server_time;	/* Date header in epoch seconds; 0: none */
	int64_t		clock_skew;		/* seconds it is ahead of our clock; 0 also
								 * without it */
	/* milliseconds since the call started; -1: not reached */
	int			dns_ms;
	int			connect_ms;
	int			tls_ms;			/* -1 also for http */
	int			first_byte_ms;
	int			total_ms;
} HttpAnswer;

/* Also for NULL. */
extern void provision_http_answer_free(HttpAnswer *answer);

/*
 * The value of a Retry-After header in milliseconds from "now" (epoch
 * seconds; the answer's own Date where it has one): delay-seconds or one of
 * the three HTTP-date forms.  0 for the past and for negative numbers, at most
 * one day, -1 for anything else.
 */
extern int64_t provision_http_retry_after_ms(const char *value, int64_t now);

/*
 * Reads an HTTP-date (RFC 9110, 5.6.7; all three forms) as epoch seconds;
 * false when it is none.  "now" decides the century of a two-digit year.
 */
extern bool provision_http_date(const char *value, int64_t now,
								int64_t *seconds);

/* "not_sent", "unknown" or "answered": the words of the SQL side. */
extern const char *provision_http_delivery_name(Delivery delivery);

#endif							/* PROVISION_HTTP_ANSWER_H */
