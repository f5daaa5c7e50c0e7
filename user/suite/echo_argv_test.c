/* echo as a program: words with single spaces, none, -n, empty words, many and long ones. */
#include "suite.h"

int main(void)
{
	CHECK_PRINTS(RUN("echo"), 0, "\n");
	CHECK_PRINTS(RUN("echo", "one"), 0, "one\n");
	CHECK_PRINTS(RUN("echo", "one", "two  three", "four"), 0, "one two  three four\n");
	CHECK_PRINTS(RUN("echo", "-n", "no newline"), 0, "no newline");
	CHECK_PRINTS(RUN("echo", "", "x", ""), 0, " x \n");
	CHECK_PRINTS(RUN("echo", "*", "$HOME", "\"quoted\""), 0, "* $HOME \"quoted\"\n");
	static char lengthy[30001], expected[30003], *many[502];
	memset(lengthy, 'e', 30000);
	snprintf(expected, sizeof expected, "%s\n", lengthy);
	CHECK_PRINTS(RUN("echo", lengthy), 0, expected);
	many[0] = "echo";
	expected[0] = 0;
	for (int i = 1; i <= 500; i++) {
		many[i] = "word";
		strcat(expected, i < 500 ? "word " : "word\n");
	}
	CHECK_PRINTS(run_program(many), 0, expected);
	return 0;
}
