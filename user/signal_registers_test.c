/* Every general, floating-point and vector register survives signals that arrive at arbitrary instructions, whatever the handler does to
 * them; a handler begins with the floating-point state the ABI promises; what it changes in the frame is what the program goes on with; and
 * the frame has the layout that Linux documents.
 *
 * In each of two processes, which take the processors from each other, a timer and another thread interrupt code that keeps a value in every
 * register (registers.h). Usage: signal_registers_test [SIGNALS [PROCESSES]]; without arguments a few hundred signals; with them it says
 * how many came, and at how many different instructions. */
#include "registers.h"
#include <pthread.h>
#include <sys/time.h>

enum { PROCESSES_MOST = 16, PLACES = 1 << 15 };

static int processes = 2;
static volatile int *wanted, *counts;
static volatile unsigned char *places;
static volatile int *count;

#if defined(__x86_64__)
static void check_frame(const ucontext_t *context)
{
	/* The words that announce an extended state. */
	unsigned char *state = (unsigned char *)context->uc_mcontext.fpregs;
	CHECK(((uintptr_t)state & 63) == 0);
	if (!registers_components)
		return;
	uint32_t magic, bytes, end;
	uint64_t components;
	memcpy(&magic, state + 464, 4), memcpy(&bytes, state + 468, 4), memcpy(&components, state + 472, 8);
	CHECK_EQUAL(magic, 0x46505853);
	CHECK(bytes >= 576 + 4);
	memcpy(&end, state + bytes - 4, 4);
	CHECK_EQUAL(end, 0x46505845);
	CHECK(context->uc_flags & 1);
	CHECK_EQUAL(components & registers_components, registers_components);
}

static void check_fresh(void)
{
	uint32_t vector_control;
	uint16_t control, status;
	__asm__ volatile("stmxcsr %0; fnstcw %1; fnstsw %2" : "=m"(vector_control), "=m"(control), "=m"(status));
	CHECK_EQUAL(vector_control, 0x1f80);
	CHECK_EQUAL(control, 0x37f);
	CHECK_EQUAL(status, 0);
}
#else
static void check_frame(const ucontext_t *context)
{
	struct _aarch64_ctx head;
	memcpy(&head, context->uc_mcontext.__reserved, sizeof head);
	CHECK_EQUAL(head.magic, FPSIMD_MAGIC);
	CHECK_EQUAL(head.size, sizeof(struct fpsimd_context));
}

/* LINUX: a handler goes on with the floating-point state it interrupted. */
static void check_fresh(void) { }
#endif

void registers_signal(int number, siginfo_t *info, void *context)
{
	(void)number, (void)info;
	check_fresh();
	check_frame(context);
	uint64_t offset = registers_place(context) - (uintptr_t)registers_first;
	if (offset < PLACES)
		places[offset] = 1;
	/* The other signal may come here in the middle. */
	__atomic_fetch_add(count, 1, __ATOMIC_RELAXED);
}

/* A handler that changes registers in the frame: the program must go on with those. */
static void changes(int number, siginfo_t *info, void *context_pointer)
{
	(void)number, (void)info;
	ucontext_t *context = context_pointer;
	static const unsigned char pattern[16] = "written by hand";
#if defined(__x86_64__)
	context->uc_mcontext.gregs[REG_RBX] = 0x1122334455667788;
	memcpy((char *)context->uc_mcontext.fpregs->_xmm + 16 * 9, pattern, 16);
#else
	context->uc_mcontext.regs[20] = 0x1122334455667788;
	struct fpsimd_context *state = (void *)context->uc_mcontext.__reserved;
	memcpy(&state->vregs[9], pattern, 16);
#endif
}

static void change_in_frame(void)
{
	struct sigaction action = { .sa_sigaction = changes, .sa_flags = SA_SIGINFO };
	CHECK_EQUAL(sigaction(SIGUSR1, &action, NULL), 0);
	unsigned char vector[16];
	uint64_t general;
	long result, pid = getpid();
#if defined(__x86_64__)
	__asm__ volatile("pxor %%xmm9, %%xmm9; xor %%ebx, %%ebx; syscall; movdqu %%xmm9, %[vector]; mov %%rbx, %[general]"
			 : "=a"(result), [vector] "=m"(vector), [general] "=r"(general)
			 : "a"(SYS_kill), "D"(pid), "S"((long)SIGUSR1)
			 : "rbx", "rcx", "r11", "xmm9", "memory");
#else
	register long x0 __asm__("x0") = pid, x1 __asm__("x1") = SIGUSR1, x8 __asm__("x8") = SYS_kill;
	__asm__ volatile("movi v9.16b, #0\n\tmov x20, #0\n\tsvc #0\n\tstr q9, [%[vector]]\n\tmov %[general], x20"
			 : "+r"(x0), [general] "=&r"(general)
			 : "r"(x1), "r"(x8), [vector] "r"(vector)
			 : "x20", "v9", "memory");
	result = x0;
#endif
	CHECK_EQUAL(result, 0);
	CHECK_EQUAL(general, 0x1122334455667788);
	CHECK(memcmp(vector, "written by hand", 16) == 0);
}

static pid_t target;

/* Sends one signal after the other, each when the last has been handled and a moment of random length has passed. */
static void *sends(void *unused)
{
	uint64_t random = 1181783497276652981;
	while (*count < *wanted) {
		int before = *count;
		CHECK_EQUAL(syscall(SYS_tgkill, getpid(), target, SIGUSR2), 0);
		for (int step = 0; *count == before; step++)
			if (step > 1000)
				sched_yield();
		for (volatile int step = next_random(&random) % 1000; step > 0; step--)
			;
	}
	return unused;
}

/* What each process does. */
static void hold_registers(int number)
{
	uint64_t random = 88172645463325252 + number;
	count = &counts[number];
	registers_prepare(&random);
	stack_t stack = { .ss_sp = malloc(1 << 18), .ss_size = 1 << 18 };
	CHECK(stack.ss_sp != NULL);
	CHECK_EQUAL(sigaltstack(&stack, NULL), 0);
	struct sigaction action = { .sa_sigaction = registers_handler, .sa_flags = SA_SIGINFO | SA_ONSTACK };
	CHECK_EQUAL(sigaction(SIGALRM, &action, NULL), 0);
	CHECK_EQUAL(sigaction(SIGUSR2, &action, NULL), 0);
	/* The sender inherits the mask, and the timer's signals come to us. */
	sigset_t alarm_only;
	sigemptyset(&alarm_only), sigaddset(&alarm_only, SIGALRM);
	CHECK_EQUAL(pthread_sigmask(SIG_BLOCK, &alarm_only, NULL), 0);
	pthread_t sender;
	target = gettid();
	CHECK_EQUAL(pthread_create(&sender, NULL, sends, NULL), 0);
	CHECK_EQUAL(pthread_sigmask(SIG_UNBLOCK, &alarm_only, NULL), 0);
	struct itimerval timer = { { 0, 700 }, { 0, 700 } };
	CHECK_EQUAL(setitimer(ITIMER_REAL, &timer, NULL), 0);
	while (*count < *wanted)
		registers_try(&random, next_random(&random) % 40 + 1);
	memset(&timer, 0, sizeof timer);
	CHECK_EQUAL(setitimer(ITIMER_REAL, &timer, NULL), 0);
	CHECK_EQUAL(pthread_join(sender, NULL), 0);
}

int main(int argc, char **argv)
{
	int signals = argc > 1 ? atoi(argv[1]) : 300;
	processes = argc > 2 ? atoi(argv[2]) : processes;
	CHECK(processes > 0 && processes <= PROCESSES_MOST);
	change_in_frame();
	char *shared = mmap(NULL, 4096 + PLACES, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(shared != MAP_FAILED);
	wanted = (int *)shared, counts = wanted + 1, places = (unsigned char *)shared + 4096;
	*wanted = (signals + processes - 1) / processes;
	pid_t children[PROCESSES_MOST];
	for (int i = 0; i < processes; i++) {
		children[i] = fork();
		CHECK(children[i] >= 0);
		if (children[i] == 0) {
			hold_registers(i);
			exit(0);
		}
	}
	int total = 0, different = 0;
	for (int i = 0; i < processes; i++) {
		CHECK_EXITS(children[i], 0);
		total += counts[i];
	}
	for (int i = 0; i < PLACES; i++)
		different += places[i];
	CHECK(total >= signals);
	CHECK(different > 0);
	CHECK(registers_last - registers_first <= PLACES);
	if (argc > 1)
		printf("%d signals at %d different instructions\n", total, different);
	return 0;
}
