/* Memory comes back: processes that one after the other use far more than the machine has, if it were not given back, all succeed.
 *
 * 64 children touch 32 MiB each, half of it through a copy on write: 3 GiB in all on a machine of 512 MiB. */
#include "check.h"

#define BYTES (32 << 20)

int main(void)
{
	unsigned char *shared = mmap(NULL, BYTES / 2, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(shared != MAP_FAILED);
	memset(shared, 1, BYTES / 2);
	for (int round = 0; round < 64; round++) {
		pid_t child = fork();
		CHECK(child >= 0);
		if (child == 0) {
			unsigned char *own = mmap(NULL, BYTES / 2, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
			if (own == MAP_FAILED)
				_exit(1);
			for (long at = 0; at < BYTES / 2; at += 4096) {
				own[at] = 2;
				shared[at]++;
			}
			for (long at = 0; at < BYTES / 2; at += 4096)
				if (own[at] != 2 || shared[at] != 2)
					_exit(2);
			_exit(0);
		}
		int status;
		CHECK_EQUAL(waitpid(child, &status, 0), child);
		CHECK_EQUAL(status, 0);
	}
	CHECK_EQUAL(shared[4096], 1);
	return 0;
}
