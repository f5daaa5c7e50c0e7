/* The line discipline, case by case: settings and bytes typed, and what is echoed, read and signalled then. */
#include "pty.h"

/* Flags to set and clear on top of a new pseudo-terminal's. */
struct change {
	tcflag_t set, clear;
};

static const struct test {
	const char *name;
	struct change input, output, local;
	/* A special character and its value; 0 for none, since VINTR is never changed here. */
	int place, value;
	const char *typed, *written, *echoed, *read, *signals;
	int typed_bytes;
} TESTS[] = {
	/* What is read is the reads one after another, each followed by '|'. */
	{ "a line", .typed = "one\rtwo\n", .echoed = "one\r\ntwo\r\n", .read = "one\n|two\n|" },
	{ "an unfinished line", .typed = "half", .echoed = "half", .read = "" },
	{ "erase", .typed = "abx\177c\n", .echoed = "abx\b \bc\r\n", .read = "abc\n|" },
	{ "erase nothing", .typed = "\177\177\025\027a\n", .echoed = "a\r\n", .read = "a\n|" },
	{ "erase a control character", .typed = "\001\177b\n", .echoed = "^A\b \b\b \bb\r\n", .read = "b\n|" },
	{ "erase without ECHOE", .local = { 0, ECHOE }, .typed = "ab\177\n", .echoed = "ab^?\r\n", .read = "a\n|" },
	{ "erase without ECHOCTL", .local = { 0, ECHOCTL }, .typed = "a\001\177\177\n", .echoed = "a\001\b \b\r\n",
	  .read = "\n|" },
	{ "erase printed", .local = { ECHOPRT, 0 }, .typed = "abc\177\177d\n", .echoed = "abc\\cb/d\r\n",
	  .read = "ad\n|" },
	{ "erase everything printed", .local = { ECHOPRT, 0 }, .typed = "ab\177\177", .echoed = "ab\\ba/", .read = "" },
	{ "erase a tab", .typed = "ab\t\177c\n", .echoed = "ab\t\b\b\b\b\b\bc\r\n", .read = "abc\n|" },
	{ "erase a second tab", .typed = "\tab\t\177\n", .echoed = "\tab\t\b\b\b\b\b\b\r\n", .read = "\tab\n|" },
	{ "erase a tab behind a prompt", .written = "> ", .typed = "a\t\177", .echoed = "> a\t\b\b\b\b\b", .read = "" },
	{ "erase UTF-8", .input = { IUTF8, 0 }, .typed = "a\303\244\177\342\202\254\177b\n",
	  .echoed = "a\303\244\b \b\342\202\254\b \bb\r\n", .read = "ab\n|" },
	{ "erase bytes", .typed = "a\303\244\177\n", .echoed = "a\303\244\b \b\r\n", .read = "a\303\n|" },
	{ "erase a word", .typed = "foo bar--\027x\n", .echoed = "foo bar--\b \b\b \b\b \b\b \b\b \bx\r\n",
	  .read = "foo x\n|" },
	{ "erase a word without IEXTEN", .local = { 0, IEXTEN }, .typed = "ab\027\n", .echoed = "ab^W\r\n",
	  .read = "ab\027\n|" },
	{ "kill", .typed = "abc\025d\n", .echoed = "abc\b \b\b \b\b \bd\r\n", .read = "d\n|" },
	{ "kill without ECHOKE", .local = { 0, ECHOKE }, .typed = "abc\025d\n", .echoed = "abc^U\r\nd\r\n", .read = "d\n|" },
	{ "kill without ECHOK", .local = { 0, ECHOKE | ECHOK }, .typed = "abc\025d\n", .echoed = "abc^Ud\r\n",
	  .read = "d\n|" },
	{ "kill without ECHO", .local = { 0, ECHO }, .typed = "abc\025d\n", .echoed = "", .read = "d\n|" },
	{ "literal", .typed = "a\026\003\026\177\026\026\n", .echoed = "a^\b^C^\b^?^\b^V\r\n", .read = "a\003\177\026\n|" },
	{ "literal newline", .typed = "\026\n\n", .echoed = "^\b^J\r\n", .read = "\n\n|" },
	{ "reprint", .typed = "a\001b\022c\n", .echoed = "a^Ab^R\r\na^Abc\r\n", .read = "a\001bc\n|" },
	{ "end of file", .typed = "\004", .echoed = "", .read = "|" },
	{ "end of file in a line", .typed = "abc\004d\n", .echoed = "abcd\r\n", .read = "abc|d\n|" },
	{ "other ends", .place = VEOL, .value = ';', .typed = "a;b\n", .echoed = "a;b\r\n", .read = "a;|b\n|" },
	{ "second other end", .place = VEOL2, .value = '.', .typed = "a.b\n", .echoed = "a.b\r\n", .read = "a.|b\n|" },
	{ "a special character turned off", .place = VERASE, .value = 0, .typed = "a\177\n", .echoed = "a^?\r\n",
	  .read = "a\177\n|" },
	{ "zero", .typed = "a\0b\n", .typed_bytes = 4, .echoed = "a^@b\r\n", .read = "a\0b\n|" },
	{ "interrupt", .typed = "abc\003", .echoed = "abc^C", .read = "", .signals = "I" },
	{ "interrupt and go on", .typed = "abc\003d\n", .echoed = "abc^Cd\r\n", .read = "d\n|", .signals = "I" },
	{ "quit", .typed = "\034", .echoed = "^\\", .read = "", .signals = "Q" },
	{ "stop", .typed = "\032", .echoed = "^Z", .read = "", .signals = "Z" },
	{ "interrupt without flush", .local = { NOFLSH, 0 }, .typed = "abc\003d\n", .echoed = "abc^Cd\r\n",
	  .read = "abcd\n|", .signals = "I" },
	{ "no signals", .local = { 0, ISIG }, .typed = "a\003\n", .echoed = "a^C\r\n", .read = "a\003\n|" },
	{ "no echo", .local = { 0, ECHO }, .typed = "ab\n", .echoed = "", .read = "ab\n|" },
	{ "newline echo", .local = { ECHONL, ECHO }, .typed = "ab\n", .echoed = "\r\n", .read = "ab\n|" },
	{ "control echo as it is", .local = { 0, ECHOCTL }, .typed = "\001\n", .echoed = "\001\r\n", .read = "\001\n|" },
	{ "return kept", .input = { 0, ICRNL }, .typed = "a\rb\n", .echoed = "a^Mb\r\n", .read = "a\rb\n|" },
	{ "return ignored", .input = { IGNCR, 0 }, .typed = "a\rb\n", .echoed = "ab\r\n", .read = "ab\n|" },
	{ "newline to return", .input = { INLCR, ICRNL }, .typed = "a\nb\004", .echoed = "a^Mb", .read = "a\rb|" },
	{ "strip", .input = { ISTRIP, 0 }, .typed = "\341\342\n", .echoed = "ab\r\n", .read = "ab\n|" },
	{ "lower case", .input = { IUCLC, 0 }, .typed = "ABc\304\n", .echoed = "abc\344\r\n", .read = "abc\344\n|" },
	{ "marked", .input = { PARMRK, 0 }, .typed = "a\377\n", .echoed = "a\377\r\n", .read = "a\377\377\n|" },
	{ "upper case output", .output = { OLCUC, 0 }, .typed = "aB\n", .echoed = "AB\r\n", .read = "aB\n|" },
	{ "no output processing", .output = { 0, OPOST }, .typed = "a\n", .echoed = "a\n", .read = "a\n|" },
	{ "newline alone", .output = { 0, ONLCR }, .written = "a\nb\r\n", .typed = "", .echoed = "a\nb\r\n", .read = "" },
	{ "output returns", .output = { OCRNL, ONLCR }, .written = "a\rb\n", .typed = "", .echoed = "a\nb\n", .read = "" },
	{ "no return in column 0", .output = { ONOCR, 0 }, .written = "\ra\r\r", .typed = "", .echoed = "a\r", .read = "" },
	{ "expanded tabs", .output = { XTABS, 0 }, .written = "a\tb\bcd\t|", .typed = "",
	  .echoed = "a       b\bcd      |", .read = "" },
	{ "stopped", .typed = "\023abc\n", .echoed = "", .read = "abc\n|" },
	{ "stopped and started", .typed = "\023abc\021", .echoed = "abc", .read = "" },
	{ "started by anything", .input = { IXANY, 0 }, .typed = "\023abc", .echoed = "abc", .read = "" },
	{ "started by a signal", .local = { NOFLSH, 0 }, .typed = "\023abc\003", .echoed = "abc^C", .read = "",
	  .signals = "I" },
	{ "no flow control", .input = { 0, IXON }, .typed = "\023\021\n", .echoed = "^S^Q\r\n", .read = "\023\021\n|" },
	{ "raw", .local = { 0, ICANON }, .typed = "ab\177\025\004\n", .echoed = "ab^?^U^D^J", .read = "ab\177\025\004\n|" },
	{ "raw return", .local = { 0, ICANON }, .typed = "a\r", .echoed = "a\r\n", .read = "a\n|" },
	{ "raw literal", .local = { 0, ICANON }, .typed = "\026\003", .echoed = "^V^C", .read = "", .signals = "I" },
	{ "edited by others", .local = { EXTPROC, 0 }, .typed = "ab\177\003\n", .echoed = "", .read = "ab\177\003\n|" },
};

/* Milliseconds after which nothing more is expected: Linux passes bytes on by a worker, which a busy machine delays. */
static int patience;

static char signalled[16];

static void note(int number)
{
	size_t length = strlen(signalled);
	if (length + 1 < sizeof signalled)
		signalled[length] = number == SIGINT ? 'I' : number == SIGQUIT ? 'Q' : 'Z';
}

/* Takes what there is of the echo. */
static size_t read_all(int fd, char *found, size_t most)
{
	size_t have = 0;
	while (have < most && is_readable(fd, patience)) {
		ssize_t count = read(fd, found + have, most - have);
		CHECK(count > 0);
		have += count;
	}
	return have;
}

static int differs(const struct test *test, const char *what, const char *found, size_t bytes, const char *expected)
{
	size_t length = strlen(expected);
	/* The one text with a zero in it. */
	if (test->typed_bytes && !strcmp(what, "read"))
		length = 5;
	if (bytes == length && !memcmp(found, expected, length))
		return 0;
	fprintf(stderr, "%s: %s is \"", test->name, what);
	for (size_t i = 0; i < bytes; i++)
		fprintf(stderr, found[i] >= 32 && found[i] < 127 ? "%c" : "\\%03o", (unsigned char)found[i]);
	fprintf(stderr, "\", expected \"");
	for (size_t i = 0; i < length; i++)
		fprintf(stderr, expected[i] >= 32 && expected[i] < 127 ? "%c" : "\\%03o", (unsigned char)expected[i]);
	fprintf(stderr, "\"\n");
	return 1;
}

static int run(const struct test *test)
{
	int slave, master = open_pair(&slave);
	struct termios settings;
	char found[512], reads[512];
	size_t length = 0, typed = test->typed_bytes ? (size_t)test->typed_bytes : strlen(test->typed);
	CHECK_EQUAL(ioctl(slave, TIOCSCTTY, 0), 0);
	CHECK_EQUAL(tcgetattr(slave, &settings), 0);
	settings.c_iflag = (settings.c_iflag | test->input.set) & ~test->input.clear;
	settings.c_oflag = (settings.c_oflag | test->output.set) & ~test->output.clear;
	settings.c_lflag = (settings.c_lflag | test->local.set) & ~test->local.clear;
	if (test->place)
		settings.c_cc[test->place] = test->value;
	CHECK_EQUAL(tcsetattr(slave, TCSANOW, &settings), 0);
	CHECK_EQUAL(fcntl(slave, F_SETFL, O_RDWR | O_NONBLOCK), 0);
	memset(signalled, 0, sizeof signalled);
	if (test->written)
		CHECK_EQUAL(write(slave, test->written, strlen(test->written)), strlen(test->written));
	for (size_t i = 0; i < typed; i++) {
		/* Linux drops what a signal overtakes on its way. */
		if (test->signals && strchr("\003\034\032", test->typed[i]))
			sleep_ms(patience);
		CHECK_EQUAL(write(master, test->typed + i, 1), 1);
	}
	size_t echoed = read_all(master, found, sizeof found);
	for (;;) {
		ssize_t count = read(slave, reads + length, sizeof reads - length - 1);
		if (count < 0) {
			CHECK_EQUAL(errno, EAGAIN);
			break;
		}
		length += count;
		reads[length++] = '|';
	}
	int failures = differs(test, "echo", found, echoed, test->echoed) + differs(test, "read", reads, length, test->read);
	failures += differs(test, "signals", signalled, strlen(signalled), test->signals ? test->signals : "");
	CHECK_EQUAL(ioctl(slave, TIOCNOTTY), 0);
	close(slave);
	close(master);
	return failures;
}

int main(void)
{
	/* The terminals' signals are to come here. */
	pid_t child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		int failures = 0;
		CHECK_EQUAL(setsid(), getpid());
		signal(SIGHUP, SIG_IGN);
		signal(SIGCONT, SIG_IGN);
		struct sigaction action = { .sa_handler = note, .sa_flags = SA_RESTART };
		sigaction(SIGINT, &action, NULL);
		sigaction(SIGQUIT, &action, NULL);
		sigaction(SIGTSTP, &action, NULL);
		for (size_t i = 0; i < sizeof TESTS / sizeof *TESTS; i++)
			for (patience = 30; run(&TESTS[i]); patience *= 3)
				if (patience > 2000) {
					failures++;
					break;
				}
		exit(failures != 0);
	}
	CHECK_EXITS(child, 0);
	return 0;
}
