/* A large program starts without being read whole: 4 MiB of initialised data, of which little is touched, forked and executed often. */
#include "check.h"
#include <sys/resource.h>

static const unsigned char large[4 << 20] = { [0] = 1, [(4 << 20) - 1] = 2, [2 << 20] = 3 };
static unsigned char writable[1 << 20] = { [5] = 7, [(1 << 20) - 1] = 8 };

int main(int count, char **arguments)
{
	(void)arguments;
	CHECK_EQUAL(large[0], 1);
	CHECK_EQUAL(large[(4 << 20) - 1], 2);
	CHECK_EQUAL(large[2 << 20], 3);
	CHECK_EQUAL(writable[5], 7);
	CHECK_EQUAL(writable[(1 << 20) - 1], 8);
	if (count == 2)
		return 0;
	writable[5] = 9;
	struct rusage usage;
	CHECK_EQUAL(getrusage(RUSAGE_SELF, &usage), 0);
	CHECK(usage.ru_maxrss < 4096);
	for (int i = 0; i < 20; i++) {
		pid_t child = fork();
		if (child == 0) {
			execl("/proc/self/exe", "big_program_test", "child", NULL);
			_exit(1);
		}
		CHECK_EXITS(child, 0);
	}
	/* The file itself is unchanged by our writing. */
	CHECK_EQUAL(writable[5], 9);
	return 0;
}
