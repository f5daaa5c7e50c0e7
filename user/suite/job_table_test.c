/* The shell's job table and the parser of job names, without any process. */
#include "suite.h"
#include "job_table.h"

int main(void)
{
	static struct job_table table;
	CHECK_EQUAL(job_parse(&table, "%1"), 0);
	CHECK_EQUAL(job_parse(&table, "%+"), 0);
	CHECK_EQUAL(job_parse(&table, ""), 0);
	CHECK_EQUAL(job_add(&table, 100, "sleep 10"), 1);
	CHECK_EQUAL(job_add(&table, 200, "cat file | wc"), 2);
	CHECK_EQUAL(job_add(&table, 300, "sleep 20"), 3);
	CHECK_EQUAL(job_of_group(&table, 200), 2);
	CHECK_EQUAL(job_of_group(&table, 999), 0);
	/* The last one started is current, the one before it previous. */
	CHECK_EQUAL(job_parse(&table, "%%"), 3);
	CHECK_EQUAL(job_parse(&table, "%"), 3);
	CHECK_EQUAL(job_parse(&table, NULL), 3);
	CHECK_EQUAL(job_parse(&table, "%-"), 2);
	CHECK_EQUAL(job_parse(&table, "%2"), 2);
	CHECK_EQUAL(job_parse(&table, "2"), 2);
	CHECK_EQUAL(job_parse(&table, "%4"), 0);
	CHECK_EQUAL(job_parse(&table, "%0"), 0);
	CHECK_EQUAL(job_parse(&table, "%-1"), 0);
	CHECK_EQUAL(job_parse(&table, "%99999999999"), 0);
	CHECK_EQUAL(job_parse(&table, "%cat"), 2);
	CHECK_EQUAL(job_parse(&table, "%?wc"), 2);
	CHECK_EQUAL(job_parse(&table, "%sleep"), -1);
	CHECK_EQUAL(job_parse(&table, "%?20"), 3);
	CHECK_EQUAL(job_parse(&table, "%none"), 0);
	/* A stopped job becomes current and stays before running ones. */
	CHECK_EQUAL(job_set_state(&table, 1, JOB_STOPPED), 1);
	CHECK_EQUAL(job_parse(&table, "%+"), 1);
	CHECK_EQUAL(job_parse(&table, "%-"), 3);
	CHECK_EQUAL(job_add(&table, 400, "vi"), 4);
	CHECK_EQUAL(job_parse(&table, "%+"), 1);
	CHECK_EQUAL(job_parse(&table, "%-"), 4);
	CHECK_EQUAL(job_set_state(&table, 1, JOB_RUNNING), 1);
	CHECK_EQUAL(job_parse(&table, "%+"), 1);
	/* A job that is over is no longer current but keeps its number until it was told. */
	CHECK_EQUAL(job_set_state(&table, 1, JOB_DONE), 1);
	CHECK_EQUAL(job_parse(&table, "%+"), 4);
	CHECK_EQUAL(job_parse(&table, "%1"), 1);
	job_remove(&table, 1);
	CHECK(job_get(&table, 1) == NULL);
	CHECK_EQUAL(job_set_state(&table, 1, JOB_STOPPED), 0);
	/* The lowest free number is taken first; a full table refuses. */
	CHECK_EQUAL(job_add(&table, 500, "again"), 1);
	for (int i = 5; i <= MOST_JOBS; i++)
		CHECK_EQUAL(job_add(&table, i * 100, "filler"), i);
	CHECK_EQUAL(job_add(&table, 9999, "one too many"), 0);
	for (int i = 1; i <= MOST_JOBS; i++)
		job_remove(&table, i);
	CHECK_EQUAL(job_parse(&table, "%+"), 0);
	/* Long texts are cut, not overrun. */
	char text[400];
	memset(text, 'x', sizeof text - 1);
	text[sizeof text - 1] = 0;
	CHECK_EQUAL(job_add(&table, 1, text), 1);
	CHECK_EQUAL(strlen(job_get(&table, 1)->text), JOB_TEXT - 1);
	return 0;
}
