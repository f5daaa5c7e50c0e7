/* Functions that a tracer can put probes at, and their twins that nobody does: both do the same in every way that a program can tell, but for
 * the bytes of its own text. Run without a tracer it checks the twins against each other; with the argument "count" it tells how often each probed
 * function was called, which a tracer's count must equal. */
#include "check.h"
#include <pthread.h>
#include <sys/ptrace.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <elf.h>

struct shared {
	uint64_t kinds, calls, deep, faults;
};
static struct shared *shared;

static void called(uint64_t *what)
{
	__atomic_fetch_add(what, 1, __ATOMIC_RELAXED);
}

/* What a function leaves behind. */
struct left {
	uint64_t result, second, flags, stack;
};

/* kind(a, b, left): begins with `first`, stores what it left, and undoes it. A twin without probes has the same bytes. */
typedef void kind(uint64_t a, uint64_t b, struct left *left);

#if defined(__x86_64__)
#define BODY(first, undo)                                                                                              \
	first "\n\tpushfq\n\tpopq 16(%rdx)\n\tmovq %rax, (%rdx)\n\tmovq %rdi, 8(%rdx)\n\tmovq %rsp, 24(%rdx)\n\t" undo "\n\tret\n"
#define TWINS(name, first, undo)                                                                                       \
	__asm__(".text\n.globl probed_" #name "\n.type probed_" #name ", @function\nprobed_" #name ":\n\t" BODY(first, undo)  \
		".size probed_" #name ", . - probed_" #name "\n.globl plain_" #name "\n.type plain_" #name                    \
		", @function\nplain_" #name ":\n\t" BODY(first, undo) ".size plain_" #name ", . - plain_" #name "\n");       \
	kind probed_##name, plain_##name;
#define KINDS(one)                                                                                                     \
	one(endbr, "endbr64", "")                                                                                         \
	one(push, "pushq %rbp", "popq %rax")                                                                              \
	one(push_high, "pushq %r15", "popq %rax")                                                                         \
	one(push_stack, "pushq %rsp", "popq %rax\n\tmovq %rax, (%rdx)")                                                   \
	one(room, "subq $0x18, %rsp", "addq $0x18, %rsp")                                                                 \
	one(much_room, "subq $0x188, %rsp", "addq $0x188, %rsp")                                                          \
	one(move, "movq %rsi, %rdi", "")                                                                                  \
	one(move_narrow, "movl %esi, %eax", "")                                                                           \
	one(constant, "movl $0xfedcba98, %eax", "")                                                                       \
	one(wide_constant, "movabsq $0x123456789abcdef0, %rax", "")                                                       \
	one(address, "leaq 0x1234(%rdi,%rsi,4), %rax", "")                                                                \
	one(own_address, "leaq own_data(%rip), %rax", "")                                                                 \
	one(load, "movq 8(%rdx), %rax", "")                                                                               \
	one(own_load, "movl own_data(%rip), %eax", "")                                                                    \
	one(test, "testl %edi, %edi", "")                                                                                 \
	one(compare, "cmpq %rsi, %rdi", "")                                                                               \
	one(compare_constant, "cmpl $-3, %edi", "")                                                                       \
	one(compare_memory, "cmpl $1, own_data(%rip)", "")                                                                \
	one(add, "addq %rsi, %rdi", "")                                                                                   \
	one(add_narrow, "addl $0x7fffffff, %edi", "")                                                                     \
	one(subtract, "subl %esi, %edi", "")                                                                              \
	one(clear, "xorl %eax, %eax", "")                                                                                 \
	one(and, "andq $-16, %rdi", "")                                                                                   \
	one(or, "orl %esi, %edi", "")
/* Undefined after logical operations: the adjust flag. Not of the program: the resume and trap flags. */
#define FLAGS 0x8c5u
#else
#define BODY(first, undo)                                                                                              \
	first "\n\tstr x0, [x2]\n\tstr x1, [x2, #8]\n\tmov x9, sp\n\tstr x9, [x2, #24]\n\t" undo "\n\tret\n"
#define TWINS(name, first, undo)                                                                                       \
	__asm__(".text\n.balign 4\n.globl probed_" #name "\n.type probed_" #name ", %function\nprobed_" #name ":\n\t"         \
		BODY(first, undo) ".size probed_" #name ", . - probed_" #name "\n.globl plain_" #name "\n.type plain_" #name   \
		", %function\nplain_" #name ":\n\t" BODY(first, undo) ".size plain_" #name ", . - plain_" #name "\n");         \
	kind probed_##name, plain_##name;
#define KINDS(one)                                                                                                     \
	one(hint, "hint #34", "")                                                                                         \
	one(push, "stp x29, x30, [sp, #-32]!", "ldp x3, x4, [sp], #32\n\tstr x4, [x2, #16]")                              \
	one(push_one, "str x30, [sp, #-16]!", "ldr x4, [sp], #16\n\tstr x4, [x2, #16]")                                   \
	one(room, "sub sp, sp, #0x60", "add sp, sp, #0x60")                                                               \
	one(much_room, "sub sp, sp, #1, lsl #12", "add sp, sp, #1, lsl #12")                                              \
	one(move, "mov x0, x1", "")                                                                                       \
	one(move_narrow, "mov w0, w1", "")                                                                                \
	one(constant, "mov w0, #-5", "")                                                                                  \
	one(kept, "movk x0, #0x1234, lsl #32", "")                                                                        \
	one(add, "add x0, x0, x1", "")                                                                                    \
	one(subtract, "sub w0, w0, w1", "")                                                                               \
	one(add_constant, "add w0, w1, #77", "")                                                                          \
	one(own_page, "adrp x0, own_data", "")                                                                            \
	one(own_place, "adr x0, 1f", "1:")                                                                                \
	one(load, "ldr x0, [x2, #8]", "")                                                                                 \
	one(load_narrow, "ldr w0, [x2, #8]", "")                                                                          \
	one(branch, "b 1f\n\tmov x0, #3\n1:", "")                                                                         \
	one(branch_zero, "cbz x0, 1f\n\tmov x1, #3\n1:", "")                                                              \
	one(branch_not_zero, "cbnz w0, 1f\n\tmov x1, #3\n1:", "")
#define FLAGS 0u
#endif

/* enter(a, b, left, function): the rest of what the function may see is the same each time. */
void enter(uint64_t a, uint64_t b, struct left *left, kind *function);
#if defined(__x86_64__)
__asm__(".text\n.type enter, @function\nenter:\n\txorl %eax, %eax\n\tjmp *%rcx\n.size enter, . - enter\n");
#else
__asm__(".text\n.balign 4\n.type enter, %function\nenter:\n\tbr x3\n.size enter, . - enter\n");
#endif

uint64_t own_data = 0x8000000000000002u;

KINDS(TWINS)

struct twins {
	const char *name;
	kind *probed, *plain;
	/* Tells where it is: the twins differ by the distance between them. */
	int is_placed;
};
#define ENTRY(name, first, undo) { #name, probed_##name, plain_##name, 0 },
static struct twins twins[] = { KINDS(ENTRY) };
#define COUNT (sizeof twins / sizeof *twins)

static uint64_t state = 0x9e3779b97f4a7c15u;

static uint64_t random_word(void)
{
	static const uint64_t special[] = { 0, 1, 3, 0x7fffffff, 0x80000000, 0xffffffff, 0x7fffffffffffffff, 0x8000000000000000, -3ull, -1ull };
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state % 3 ? state : special[(state >> 8) % (sizeof special / sizeof *special)];
}

/* Every kind of first instruction gives what it gives without a probe. */
static void kinds(void)
{
	for (unsigned i = 0; i < COUNT; i++) {
		if (!strcmp(twins[i].name, "own_place"))
			twins[i].is_placed = 1;
		for (int round = 0; round < 40; round++) {
			uint64_t a = random_word(), b = random_word();
			struct left one = { 5, b, 7, 8 }, two = one;
			enter(a, b, &one, twins[i].plain);
			called(&shared->kinds);
			enter(a, b, &two, twins[i].probed);
			uint64_t distance = twins[i].is_placed ? (char *)twins[i].probed - (char *)twins[i].plain : 0;
			/* Loads read what the twin was given. */
			if (two.result != one.result + distance || two.second != one.second || (two.flags & FLAGS) != (one.flags & FLAGS) || (one.stack - two.stack) % 16) {
				fprintf(stderr, "%s(%#llx, %#llx): %#llx %#llx %#llx, with a probe %#llx %#llx %#llx\n", twins[i].name, (long long)a, (long long)b,
					(long long)one.result, (long long)one.second, (long long)one.flags, (long long)two.result, (long long)two.second, (long long)two.flags);
				exit(1);
			}
		}
	}
}

uint64_t __attribute__((noinline)) probed_call(uint64_t value)
{
	__asm__ volatile("" : "+r"(value) : : "memory");
	uint64_t again = value * 3;
	__asm__ volatile("" : "+r"(again) : : "memory");
	return again + 1;
}

static uint64_t call(uint64_t value)
{
	called(&shared->calls);
	return probed_call(value);
}

static volatile sig_atomic_t ticks;

static void tick(int signal)
{
	(void)signal;
	/* Another thread's handler may run at the same time. */
	uint64_t value = ++ticks;
	CHECK_EQUAL(call(value), value * 3 + 1);
}

static void *caller(void *unused)
{
	for (uint64_t i = 0; i < 500; i++)
		CHECK_EQUAL(call(i), i * 3 + 1);
	return unused;
}

/* Threads call a function that signals interrupt and whose handlers call it too. */
static void threads(void)
{
	struct sigaction action = { .sa_handler = tick, .sa_flags = SA_RESTART };
	CHECK_EQUAL(sigaction(SIGALRM, &action, NULL), 0);
	struct itimerval often = { { 0, 1000 }, { 0, 1000 } }, never = { { 0, 0 }, { 0, 0 } };
	CHECK_EQUAL(setitimer(ITIMER_REAL, &often, NULL), 0);
	pthread_t all[4];
	for (int i = 0; i < 4; i++)
		CHECK_EQUAL(pthread_create(&all[i], NULL, caller, NULL), 0);
	for (int i = 0; i < 4; i++)
		CHECK_EQUAL(pthread_join(all[i], NULL), 0);
	while (ticks < 3)
		usleep(500);
	caller(NULL);
	CHECK_EQUAL(setitimer(ITIMER_REAL, &never, NULL), 0);
}

/* Children have the probes too, and take nothing from their parents by ending. */
static void children(void)
{
	for (int i = 0; i < 4; i++) {
		pid_t child = fork();
		if (child == 0) {
			caller(NULL);
			_exit((int)call(5));
		}
		CHECK_EXITS(child, 16);
	}
	caller(NULL);
}

/* The stack grows under a function's first instruction as under any other. */
uint64_t __attribute__((noinline)) probed_deep(uint64_t left)
{
	volatile char room[700];
	room[0] = (char)left;
	called(&shared->deep);
	return (left ? probed_deep(left - 1) : 0) + 1 + (room[0] != (char)left);
}

/* A second mapping of the program's file behaves the same; the file itself and what is shared with it stay as they are. */
static void file(void)
{
	FILE *maps = fopen("/proc/self/maps", "r");
	CHECK(maps != NULL);
	char line[512];
	unsigned long start = 0, end = 0, offset = 0, place = (unsigned long)probed_push;
	while (fgets(line, sizeof line, maps) && !(start <= place && place < end))
		CHECK(sscanf(line, "%lx-%lx %*s %lx", &start, &end, &offset) == 3);
	fclose(maps);
	offset += place - start;
	int own = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	CHECK(own >= 0);
	unsigned char bytes[4];
	CHECK_EQUAL(pread(own, bytes, sizeof bytes, offset), sizeof bytes);
	CHECK(memcmp(bytes, (void *)plain_push, sizeof bytes) == 0);
	size_t page = sysconf(_SC_PAGESIZE), into = offset % page;
	char *shown = mmap(NULL, 2 * page, PROT_READ | PROT_EXEC, MAP_SHARED, own, offset - into);
	CHECK(shown != MAP_FAILED);
	CHECK(memcmp(shown + into, (void *)plain_push, sizeof bytes) == 0);
	CHECK_EQUAL(munmap(shown, 2 * page), 0);
	for (int i = 0; i < 20; i++) {
		char *again = mmap(NULL, 2 * page, PROT_READ | PROT_EXEC, MAP_PRIVATE, own, offset - into);
		CHECK(again != MAP_FAILED);
		struct left left = { 1, 2, 3, 4 };
		called(&shared->kinds);
		enter(1, 2, &left, (kind *)(again + into));
		CHECK(left.stack != 4);
		CHECK_EQUAL(munmap(again, 2 * page), 0);
	}
	close(own);
}

static char handler_stack[65536];
static volatile uint64_t fault_address;
static uint64_t bad_stack;

static void fault(int signal, siginfo_t *info, void *context)
{
	(void)signal, (void)context;
	fault_address = (uint64_t)info->si_addr;
	_exit(fault_address == bad_stack - (sizeof(void *) == 8 && fault_address % 16 ? 8 : fault_address % 32 ? 16 : 32) ? 42 : 43);
}

/* A first instruction that cannot reach memory ends in the signal that it ends in. */
static void faults(void)
{
	char *nothing = mmap(NULL, 65536, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(nothing != MAP_FAILED);
	bad_stack = (uint64_t)nothing + 32768;
	kind *all[] = { plain_push, probed_push };
	for (int i = 0; i < 2; i++) {
		if (i)
			called(&shared->faults);
		pid_t child = fork();
		if (child == 0) {
			stack_t other = { .ss_sp = handler_stack, .ss_size = sizeof handler_stack };
			struct sigaction action = { .sa_sigaction = fault, .sa_flags = SA_SIGINFO | SA_ONSTACK };
			if (sigaltstack(&other, NULL) || sigaction(SIGSEGV, &action, NULL))
				_exit(44);
#if defined(__x86_64__)
			__asm__ volatile("movq %0, %%rsp\n\tjmp *%1" : : "r"(bad_stack), "r"(all[i]) : "memory");
#else
			__asm__ volatile("mov sp, %0\n\tbr %1" : : "r"(bad_stack), "r"(all[i]) : "memory");
#endif
			_exit(45);
		}
		CHECK_EXITS(child, 42);
	}
}

static uint64_t counter_of(pid_t child)
{
	struct user_regs_struct registers;
	struct iovec piece = { &registers, sizeof registers };
	CHECK_EQUAL(ptrace(PTRACE_GETREGSET, child, NT_PRSTATUS, &piece), 0);
#if defined(__x86_64__)
	return registers.rip;
#else
	return registers.pc;
#endif
}

/* A tracer that steps sees each instruction of a function once. */
static int steps(kind *function)
{
	pid_t child = fork();
	if (child == 0) {
		struct left left = { 0, 0, 0, 0 };
		if (ptrace(PTRACE_TRACEME, 0, 0, 0))
			_exit(50);
		raise(SIGSTOP);
		function(1, 2, &left);
		_exit(left.stack ? 42 : 43);
	}
	int count = 0, status = wait_status(child), is_inside = 0;
	CHECK(WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP);
	for (;;) {
		uint64_t distance = counter_of(child) - (uint64_t)function;
		if (distance < 40)
			count++, is_inside = 1;
		else if (is_inside)
			break;
		CHECK_EQUAL(ptrace(PTRACE_SINGLESTEP, child, 0, 0), 0);
		status = wait_status(child);
		CHECK(WIFSTOPPED(status) && WSTOPSIG(status) == SIGTRAP);
	}
	CHECK_EQUAL(ptrace(PTRACE_CONT, child, 0, 0), 0);
	CHECK_EXITS(child, 42);
	return count;
}

int main(int argc, char **argv)
{
	shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(shared != MAP_FAILED);
	kinds();
	threads();
	children();
	CHECK_EQUAL(probed_deep(2000), 2001);
	file();
	faults();
	called(&shared->kinds);
	CHECK_EQUAL(steps(probed_push), steps(plain_push));
	if (argc > 1 && !strcmp(argv[1], "count"))
		printf("%llu %llu %llu\n", (long long)(shared->kinds + shared->faults), (long long)shared->calls, (long long)shared->deep);
	return 0;
}
