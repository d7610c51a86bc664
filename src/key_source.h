/*
 * key_source.h
 *		Where keys come from: a file of the server, or a command.
 *
 * Nothing here knows PostgreSQL.  Problem texts are sentences without the
 * file's name or content.
 */
#ifndef PROVISION_KEY_SOURCE_H
#define PROVISION_KEY_SOURCE_H

#include "key_ring.h"

/*
 * The keys in a file, which must be a regular one, owned by this user or
 * root, and closed to others unless its directory is.
 */
extern KeyRing *provision_key_file_read(const char *path, bool directory_is_closed, char problem[KEY_PROBLEM_SIZE]);

/* Whether a file that holds some key belongs to the right user and is closed to others; if not, why. */
struct stat;
extern bool provision_key_file_is_closed(const struct stat *status, char problem[KEY_PROBLEM_SIZE]);

/*
 * What one can see of a file without reading it: while that stays the same,
 * so do its keys.  Also tells a missing file from one that is there.
 */
typedef struct KeyFileMark
{
	long long	parts[7];
} KeyFileMark;

extern KeyFileMark provision_key_file_mark(const char *path);

/*
 * Makes a file with one new random key, whole or not at all.  True also when
 * another process was faster.
 */
extern bool provision_key_file_make(const char *path, char problem[KEY_PROBLEM_SIZE]);

/*
 * Waits at most so many milliseconds, and does meanwhile what the process has
 * to do; must return.  False: the command is not waited for any longer.
 */
typedef bool (*KeyPatience) (int timeout_ms);

/*
 * The keys that a command prints.  Its words are separated by blanks; there
 * is no shell, and so no quoting and no expansion.  It is killed when it takes
 * longer than timeout_ms, or when patience ends.
 */
extern KeyRing *provision_key_command_run(const char *command, int timeout_ms, KeyPatience patience,
										  char problem[KEY_PROBLEM_SIZE]);

#endif							/* PROVISION_KEY_SOURCE_H */
