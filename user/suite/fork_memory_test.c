/* fork: stack, heap, static and mapped memory are separate after fork, in both directions. */
#include "../check.h"

static int in_data = 1;
static int in_bss;

int main(void)
{
	volatile int on_stack = 1;
	int *on_heap = malloc(sizeof *on_heap * 10000);
	int *shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int *private = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(on_heap != NULL && shared != MAP_FAILED && private != MAP_FAILED);
	for (int i = 0; i < 10000; i++)
		on_heap[i] = i;
	*private = 1;
	int go[2];
	CHECK_EQUAL(pipe(go), 0);
	pid_t child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		char byte;
		CHECK_EQUAL(read(go[0], &byte, 1), 1);
		/* The parent has changed everything by now; we must see what was before. */
		CHECK_EQUAL(on_stack, 1);
		CHECK_EQUAL(in_data, 1);
		CHECK_EQUAL(in_bss, 0);
		CHECK_EQUAL(*private, 1);
		CHECK_EQUAL(*shared, 77);
		for (int i = 0; i < 10000; i++)
			CHECK_EQUAL(on_heap[i], i);
		on_stack = 3, in_data = 3, in_bss = 3, *private = 3, *shared = 99;
		for (int i = 0; i < 10000; i++)
			on_heap[i] = -i;
		_exit(7);
	}
	on_stack = 2, in_data = 2, in_bss = 2, *private = 2, *shared = 77;
	for (int i = 0; i < 10000; i++)
		on_heap[i] = i + 1;
	CHECK_EQUAL(write(go[1], "x", 1), 1);
	CHECK_EXITS(child, 7);
	CHECK_EQUAL(on_stack, 2);
	CHECK_EQUAL(in_data, 2);
	CHECK_EQUAL(in_bss, 2);
	CHECK_EQUAL(*private, 2);
	CHECK_EQUAL(*shared, 99);
	for (int i = 0; i < 10000; i++)
		CHECK_EQUAL(on_heap[i], i + 1);
	return 0;
}
