/*
 * encoding.h
 *		HTTP and JSON speak UTF-8; a database may speak something else.
 *
 * Nothing here raises an error for what a string holds: a letter that the
 * target does not have becomes a question mark.  A database in SQL_ASCII
 * does not say what its bytes mean; they are taken for UTF-8.
 */
#ifndef PROVISION_ENCODING_H
#define PROVISION_ENCODING_H

/*
 * The string in the database's encoding, or back.  It is the argument itself
 * when there is nothing to do, otherwise palloc'ed.
 */
extern char *provision_encoding_from_utf8(char *string);
extern char *provision_encoding_to_utf8(char *string);

/*
 * Replaces, in place, escapes of letters beyond ASCII by the letters: jsonb
 * refuses an escape whose letter the database's encoding does not have.  The
 * text must come from provision_json_text_clean().
 */
extern void provision_encoding_unescape_json(char *json);

#endif							/* PROVISION_ENCODING_H */
