/* Spins without a call, beside three more of itself: all of them get their share and end, with the same result. */
#include "suite.h"

static uint64_t spin(void)
{
	uint64_t state = 42;
	for (int turn = 0; turn < 20000000; turn++)
		next_random(&state);
	return state;
}

int main(void)
{
	int ends[2];
	CHECK_EQUAL(pipe(ends), 0);
	for (int i = 0; i < 3; i++)
		if (fork() == 0) {
			uint64_t result = spin();
			_exit(write(ends[1], &result, sizeof result) != sizeof result);
		}
	uint64_t ours = spin(), theirs;
	for (int i = 0; i < 3; i++) {
		CHECK_EQUAL(read(ends[0], &theirs, sizeof theirs), (ssize_t)sizeof theirs);
		CHECK(theirs == ours);
	}
	for (int i = 0; i < 3; i++) {
		int status;
		CHECK(wait(&status) > 0);
		CHECK_EQUAL(status, 0);
	}
	return 0;
}
