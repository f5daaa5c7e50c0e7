/* Memory ends while a child copies on write: the child is ended by a signal, and we live on with our own pages whole.
 *
 * The child writes to shared pages until no frame is left. A machine with more than a GiB is somebody's computer: there only a bounded
 * copy is made, and that it fits is checked. */
#include "suite.h"
#include <sys/resource.h>
#include <sys/sysinfo.h>

int main(void)
{
	struct sysinfo machine;
	CHECK_EQUAL(sysinfo(&machine), 0);
	uint64_t total = (uint64_t)machine.totalram * machine.mem_unit, available = (uint64_t)machine.freeram * machine.mem_unit;
	int is_small = total <= 1ull << 30;
	size_t bytes = is_small ? available / 8 * 5 & ~4095ull : 32 << 20;
	char *pages = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	CHECK(pages != MAP_FAILED);
	for (size_t at = 0; at < bytes; at += 4096)
		*(uint64_t *)(pages + at) = at * 3 + 1;
	for (int turn = 0; turn < 3; turn++) {
		pid_t child = fork();
		CHECK(child >= 0);
		if (child == 0) {
			/* If anything is to be ended for want of memory, it is this. */
			int score = open("/proc/self/oom_score_adj", O_WRONLY);
			if (score >= 0)
				(void)!write(score, "1000", 4);
			for (size_t at = 0; at < bytes; at += 4096)
				*(uint64_t *)(pages + at) = 0;
			_exit(9);
		}
		int status = wait_status(child);
		if (is_small)
			CHECK(WIFSIGNALED(status) &&
			      (WTERMSIG(status) == SIGKILL || WTERMSIG(status) == SIGSEGV || WTERMSIG(status) == SIGBUS));
		else
			CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 9);
		for (size_t at = 0; at < bytes; at += 4096)
			CHECK(*(uint64_t *)(pages + at) == at * 3 + 1);
	}
	/* Memory is there again: children start and work. */
	for (int i = 0; i < 5; i++) {
		pid_t child = fork();
		CHECK(child >= 0);
		if (child == 0) {
			char *mine = malloc(1 << 20);
			CHECK(mine != NULL);
			memset(mine, 1, 1 << 20);
			_exit(0);
		}
		CHECK_EXITS(child, 0);
	}
	return 0;
}
