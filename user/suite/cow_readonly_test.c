/* Read-only text is shared by parent and child, not copied: both run it, both read it, neither can write it, and it stays one frame. */
#include "frames.h"

static __attribute__((noinline, aligned(4096))) int text(int value) { return value * 3 + 1; }
static const char constant[8192] = { [0] = 'c', [8191] = 'd' };

int main(void)
{
	int ends[2];
	volatile int sum = text(1);
	long ours = frame_of((void *)text), told[2];
	CHECK_EQUAL(sum, 4);
	CHECK_EQUAL(pipe(ends), 0);
	pid_t child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		CHECK_EQUAL(text(2), 7);
		CHECK(constant[0] == 'c' && constant[8191] == 'd' && constant[4096] == 0);
		told[0] = frame_of((void *)text);
		told[1] = getpid();
		CHECK_EQUAL(write(ends[1], told, sizeof told), (ssize_t)sizeof told);
		/* Writing text is a fault, not a copy. */
		signal(SIGSEGV, SIG_DFL);
		*(volatile char *)text = 0;
		_exit(1);
	}
	CHECK_EQUAL(read(ends[0], told, sizeof told), (ssize_t)sizeof told);
	CHECK_EQUAL(told[1], child);
	CHECK_KILLED(child, SIGSEGV);
	if (ours != -1)
		CHECK_EQUAL(told[0], ours);
	CHECK_EQUAL(text(3), 10);
	child = fork();
	if (child == 0) {
		*(volatile char *)constant = 0;
		_exit(1);
	}
	CHECK_KILLED(child, SIGSEGV);
	/* Made writable, it becomes the child's own copy. */
	child = fork();
	if (child == 0) {
		char *page = (char *)((uintptr_t)(constant + 4095) & ~4095ul);
		CHECK_EQUAL(mprotect(page, 4096, PROT_READ | PROT_WRITE), 0);
		*(volatile char *)page = 'x';
		CHECK_EQUAL(*(volatile char *)page, 'x');
		_exit(0);
	}
	CHECK_EXITS(child, 0);
	volatile const char *same = (volatile const char *)((uintptr_t)(constant + 4095) & ~4095ul);
	CHECK(*same == 0 || *same == 'c');
	return text(4) == 13 ? 0 : 1;
}
