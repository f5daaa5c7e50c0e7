/* fork+exec+wait over and over: statuses right every time, nothing slows down or runs out. */
#include "check.h"

int main(int count, char **arguments)
{
	if (count == 2)
		return atoi(arguments[1]);
	for (int i = 0; i < 300; i++) {
		char number[8];
		snprintf(number, sizeof number, "%d", i % 256);
		pid_t child = i % 2 ? fork() : vfork();
		CHECK(child >= 0);
		if (child == 0) {
			execl("/proc/self/exe", "exec_stress_test", number, NULL);
			_exit(255);
		}
		CHECK_EXITS(child, i % 256);
	}
	return 0;
}
