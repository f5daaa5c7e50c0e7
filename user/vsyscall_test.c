/* The page at a fixed address that very old x86-64 programs call for the time: its three entries work, it cannot be read, and a jump between the
 * entries is a fault. Other architectures have no such page. */
#include "check.h"
#include <sys/time.h>

#if defined(__x86_64__)
#define PAGE 0xffffffffff600000UL

static int killed_by(void (*attempt)(void))
{
	pid_t child = fork();
	if (child == 0) {
		attempt();
		_exit(0);
	}
	int status = wait_status(child);
	return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

static void reads(void) { *(volatile char *)PAGE; }
static void jumps_aside(void) { ((void (*)(void))(PAGE + 8))(); }
static void jumps_beyond(void) { ((void (*)(void))(PAGE + 3072))(); }
static void gives_bad_pointer(void) { ((int (*)(void *, void *))PAGE)((void *)8, NULL); }

int main(void)
{
	/* Linux may have been told to do without. */
	FILE *maps = fopen("/proc/self/maps", "r");
	char line[512];
	int is_there = 0;
	while (maps && fgets(line, sizeof line, maps))
		is_there |= strstr(line, "--xp") && strstr(line, "[vsyscall]");
	if (!is_there)
		return 0;
	int (*day)(struct timeval *, struct timezone *) = (int (*)(struct timeval *, struct timezone *))PAGE;
	time_t (*seconds)(time_t *) = (time_t (*)(time_t *))(PAGE + 1024);
	int (*cpu)(unsigned *, unsigned *, void *) = (int (*)(unsigned *, unsigned *, void *))(PAGE + 2048);
	struct timeval before, between, after;
	CHECK_EQUAL(gettimeofday(&before, NULL), 0);
	CHECK_EQUAL(day(&between, NULL), 0);
	CHECK_EQUAL(gettimeofday(&after, NULL), 0);
	CHECK(!timercmp(&between, &before, <) && !timercmp(&after, &between, <));
	time_t stored = 0, answer = seconds(&stored);
	/* Linux's second is that of the last tick: it may be behind for a moment. */
	CHECK(answer == stored && answer >= after.tv_sec - 1 && answer <= after.tv_sec + 60);
	CHECK(seconds(NULL) >= answer);
	unsigned number = 9999;
	CHECK_EQUAL(cpu(&number, NULL, NULL), 0);
	CHECK(number < 4096);
	CHECK_EQUAL(killed_by(reads), SIGSEGV);
	CHECK_EQUAL(killed_by(jumps_aside), SIGSEGV);
	CHECK_EQUAL(killed_by(jumps_beyond), SIGSEGV);
	CHECK_EQUAL(killed_by(gives_bad_pointer), SIGSEGV);
	return 0;
}
#else
int main(void) { return 0; }
#endif
