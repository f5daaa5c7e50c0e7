/* Pipes: records up to PIPE_BUF from several writers arrive whole, none lost. */
#include "../check.h"

enum { WRITERS = 8, RECORDS = 200, BYTES = 512 };

int main(void)
{
	int ends[2];
	CHECK_EQUAL(pipe(ends), 0);
	for (int w = 0; w < WRITERS; w++) {
		pid_t child = fork();
		CHECK(child >= 0);
		if (child == 0) {
			char record[BYTES];
			close(ends[0]);
			memset(record, 'A' + w, sizeof record);
			for (int i = 0; i < RECORDS; i++)
				CHECK_EQUAL(write(ends[1], record, sizeof record), BYTES);
			_exit(0);
		}
	}
	close(ends[1]);
	int seen[WRITERS] = { 0 };
	char record[BYTES];
	for (;;) {
		size_t got = 0;
		while (got < sizeof record) {
			ssize_t n = read(ends[0], record + got, sizeof record - got);
			CHECK(n >= 0);
			if (n == 0)
				break;
			got += (size_t)n;
		}
		if (got == 0)
			break;
		CHECK_EQUAL(got, BYTES);
		for (int i = 1; i < BYTES; i++)
			CHECK_EQUAL(record[i], record[0]);
		seen[record[0] - 'A']++;
	}
	for (int w = 0; w < WRITERS; w++) {
		CHECK_EQUAL(seen[w], RECORDS);
		int status;
		CHECK(wait(&status) > 0);
		CHECK_EQUAL(status, 0);
	}
	return 0;
}
