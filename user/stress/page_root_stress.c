/* Hunts a root of page tables that is freed while another CPU still has it loaded.
 *
 * Programs with threads on all CPUs execute another program or are ended, while others at once take the frames that become free and
 * fill them: a CPU that still walks the old tables would read what is written there. */
#include "../check.h"
#include <pthread.h>

enum { THREADS = 3, TURNS = 60 };

static void *spin(void *argument)
{
	volatile uint64_t *word = argument;
	for (;;)
		++*word;
	return NULL;
}

static void *nap(void *argument)
{
	for (;;) {
		struct timespec moment = { 0, 50000 };
		nanosleep(&moment, NULL);
	}
	return argument;
}

int main(int count, char **arguments)
{
	if (count == 3)
		return atoi(arguments[2]);
	int rounds = count > 1 ? atoi(arguments[1]) : 1;
	for (int turn = 0; turn < rounds * TURNS; turn++) {
		int how = turn % 3;
		pid_t child = fork();
		CHECK(child >= 0);
		if (child == 0) {
			static uint64_t words[THREADS * 8];
			pthread_t thread;
			for (int i = 0; i < THREADS; i++)
				CHECK_EQUAL(pthread_create(&thread, NULL, i ? spin : nap, &words[i * 8]), 0);
			while (!*(volatile uint64_t *)&words[8])
				;
			if (how == 0)
				execl("/proc/self/exe", "page_root_stress", "child", "33", NULL);
			if (how == 1)
				_exit(33);
			kill(getpid(), SIGKILL);
		}
		/* Takes memory as it comes free, and fills it with what no page table may hold. */
		pid_t taker = fork();
		CHECK(taker >= 0);
		if (taker == 0) {
			for (int i = 0; i < 20; i++) {
				char *area = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
				CHECK(area != MAP_FAILED);
				memset(area, 0xff, 1 << 20);
				CHECK_EQUAL(munmap(area, 1 << 20), 0);
			}
			_exit(0);
		}
		if (how == 2)
			CHECK_KILLED(child, SIGKILL);
		else
			CHECK_EXITS(child, 33);
		CHECK_EXITS(taker, 0);
	}
	return 0;
}
