/* A shell's table of jobs, as init_shell keeps it and job_table_test tests it: numbers from 1 on, the lowest free one first; a current
 * and a previous job; and the words that name one: %n, %+, %%, %-, %text, %?text. */
#ifndef JOB_TABLE_H
#define JOB_TABLE_H

#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

enum { MOST_JOBS = 16, JOB_TEXT = 128 };

enum job_state { JOB_FREE, JOB_RUNNING, JOB_STOPPED, JOB_DONE };

struct job {
	enum job_state state;
	pid_t group;
	int status;
	/* When it was last current; the largest is the current job. */
	unsigned long used;
	char text[JOB_TEXT];
};

struct job_table {
	struct job jobs[MOST_JOBS];
	unsigned long clock;
};

/* Adds a running job; answers its number, 0 if the table is full. */
static inline int job_add(struct job_table *table, pid_t group, const char *text)
{
	for (int i = 0; i < MOST_JOBS; i++) {
		struct job *job = &table->jobs[i];
		if (job->state != JOB_FREE)
			continue;
		job->state = JOB_RUNNING;
		job->group = group;
		job->status = 0;
		job->used = ++table->clock;
		size_t bytes = strnlen(text, JOB_TEXT - 1);
		memcpy(job->text, text, bytes);
		job->text[bytes] = 0;
		return i + 1;
	}
	return 0;
}

/* The job with a number; NULL if there is none. */
static inline struct job *job_get(struct job_table *table, int number)
{
	if (number < 1 || number > MOST_JOBS || table->jobs[number - 1].state == JOB_FREE)
		return NULL;
	return &table->jobs[number - 1];
}

/* The number of a process group's job, or 0. */
static inline int job_of_group(struct job_table *table, pid_t group)
{
	for (int number = 1; number <= MOST_JOBS; number++)
		if (job_get(table, number) && table->jobs[number - 1].group == group)
			return number;
	return 0;
}

/* The current job (place 0) or the one before it (place 1); stopped jobs come before running ones. 0 if there is none. */
static inline int job_current(struct job_table *table, int place)
{
	int best[2] = { 0, 0 };
	for (int number = 1; number <= MOST_JOBS; number++) {
		struct job *job = job_get(table, number);
		if (!job || job->state == JOB_DONE)
			continue;
		for (int i = 0; i < 2; i++) {
			struct job *other = best[i] ? &table->jobs[best[i] - 1] : NULL;
			int wins = !other || (job->state == JOB_STOPPED) > (other->state == JOB_STOPPED) ||
				   ((job->state == JOB_STOPPED) == (other->state == JOB_STOPPED) && job->used > other->used);
			if (wins) {
				if (i == 0)
					best[1] = best[0];
				best[i] = number;
				break;
			}
		}
	}
	return best[place];
}

/* Notes that a job was stopped or goes on; it becomes the current one. */
static inline int job_set_state(struct job_table *table, int number, enum job_state state)
{
	struct job *job = job_get(table, number);
	if (!job)
		return 0;
	job->state = state;
	job->used = ++table->clock;
	return number;
}

/* Takes a job out of the table. */
static inline void job_remove(struct job_table *table, int number)
{
	struct job *job = job_get(table, number);
	if (job)
		memset(job, 0, sizeof *job);
}

/* What a job's name means: its number, 0 if no job has it, -1 if several have. */
static inline int job_parse(struct job_table *table, const char *word)
{
	if (!word || *word == 0 || strcmp(word, "%") == 0 || strcmp(word, "%%") == 0 || strcmp(word, "%+") == 0)
		return job_current(table, 0);
	if (strcmp(word, "%-") == 0)
		return job_current(table, 1) ? job_current(table, 1) : job_current(table, 0);
	if (*word == '%')
		word++;
	char *end;
	long number = strtol(word, &end, 10);
	if (end != word && *end == 0)
		return number >= 1 && number <= MOST_JOBS && job_get(table, (int)number) ? (int)number : 0;
	int inside = *word == '?', found = 0;
	for (int i = 1; i <= MOST_JOBS; i++) {
		struct job *job = job_get(table, i);
		if (!job || !(inside ? strstr(job->text, word + 1) != NULL : strncmp(job->text, word, strlen(word)) == 0))
			continue;
		if (found)
			return -1;
		found = i;
	}
	return found;
}

#endif
