/* A table of calls that must fail: each row is a call of the kernel, made by its number, with the one error that the manual pages give for it.
 * All rows are tried before the program ends, so that one run shows every difference. */
#ifndef ERRNO_TABLE_H
#define ERRNO_TABLE_H

#include "check.h"

static int rows_tried, rows_wrong, calls_seen[1024], calls_tried;

static inline void try_row(int line, const char *row, long number, long answer, int expected, int may_lack)
{
	int error = errno;
	rows_tried++;
	if (number >= 0 && number < 1024 && !calls_seen[number]++)
		calls_tried++;
	if (answer == -1 && (error == expected || (may_lack && (error == ENOSYS || error == EPERM))))
		return;
	fprintf(stderr, "line %d: %s answered %ld with errno %d (%s), expected %d (%s)\n", line, row, answer, error, strerror(error), expected,
		strerror(expected));
	rows_wrong++;
}

/* One row: the error, the call, its arguments. Numbers that the kernel takes as words of 64 bits must be written as such. */
#define FAILS(expected, call, ...)                                                                \
	(errno = 0, try_row(__LINE__, #call "(" #__VA_ARGS__ ")", SYS_##call, syscall(SYS_##call, __VA_ARGS__), expected, 0))
/* The same for a call that an older Linux lacks or a container refuses. */
#define FAILS_IF_THERE(expected, call, ...)                                                       \
	(errno = 0, try_row(__LINE__, #call "(" #__VA_ARGS__ ")", SYS_##call, syscall(SYS_##call, __VA_ARGS__), expected, 1))

/* Ends the program; so many rows and calls there have to be. */
static inline int end_of_table(int rows, int calls)
{
	if (rows_wrong)
		fprintf(stderr, "%d of %d rows differ\n", rows_wrong, rows_tried);
	if (rows_tried < rows || calls_tried < calls)
		fprintf(stderr, "only %d rows of %d calls\n", rows_tried, calls_tried), rows_wrong++;
	return rows_wrong != 0;
}

/* An address where no program ever has memory. */
#define NOWHERE ((void *)8)

#endif
