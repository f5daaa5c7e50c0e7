/* What the programs of the suite share besides the checks: where its fixtures and its scratch directory are, running other programs
 * and comparing what they print.
 *
 * `SUITE_ROOT` goes before the fixtures' paths ("" in a machine, whose root holds them; a directory on the host's Linux).
 * `SUITE_DIR` is the directory for files (else /tmp): the same program tests whichever file system that is. */
#ifndef SUITE_H
#define SUITE_H

#include "../check.h"

/* The path of a fixture, "/hello.txt". Answers one of four buffers in turn. */
static inline const char *fixture(const char *path)
{
	static char paths[4][512];
	static unsigned turn;
	const char *root = getenv("SUITE_ROOT");
	char *answer = paths[turn++ % 4];
	snprintf(answer, sizeof paths[0], "%s%s", root ? root : "", path);
	return answer;
}

/* What a program printed on each stream, and how it ended. */
struct finished {
	char out[65536], err[4096];
	size_t out_bytes, err_bytes;
	int status;
};

/* Runs a program to its end with empty input and keeps what it prints. */
static inline struct finished *run_program(char *const arguments[])
{
	static struct finished it;
	int out[2], err[2];
	CHECK_EQUAL(pipe(out), 0);
	CHECK_EQUAL(pipe(err), 0);
	pid_t child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		int null = open("/dev/null", O_RDONLY);
		if (null < 0 || dup2(null, 0) != 0 || dup2(out[1], 1) != 1 || dup2(err[1], 2) != 2)
			_exit(126);
		close(null), close(out[0]), close(out[1]), close(err[0]), close(err[1]);
		setenv("LC_ALL", "C", 1);
		execvp(arguments[0], arguments);
		_exit(127);
	}
	close(out[1]), close(err[1]);
	memset(&it, 0, sizeof it);
	/* Errors are a few lines, which a pipe holds; so one stream may be read after the other. */
	for (ssize_t got; (got = read(out[0], it.out + it.out_bytes, sizeof it.out - 1 - it.out_bytes)) > 0;)
		it.out_bytes += (size_t)got;
	for (ssize_t got; (got = read(err[0], it.err + it.err_bytes, sizeof it.err - 1 - it.err_bytes)) > 0;)
		it.err_bytes += (size_t)got;
	close(out[0]), close(err[0]);
	it.status = wait_status(child);
	return &it;
}

#define RUN(...) run_program((char *const[]){ __VA_ARGS__, NULL })

/* Requires how a program ended and every byte of what it printed on its standard output. */
#define CHECK_PRINTS(run, code, text)                                                        \
	do {                                                                                      \
		struct finished *it_ = (run);                                                     \
		CHECK(WIFEXITED(it_->status));                                                    \
		if (WEXITSTATUS(it_->status) != (code) || strcmp(it_->out, (text)) != 0) {        \
			fprintf(stderr, "%s:%d: %s exited with %d and printed \"%s\" (stderr \"%s\"), expected %d and \"%s\"\n", \
				__FILE__, __LINE__, #run, WEXITSTATUS(it_->status), it_->out, it_->err, (code), (text)); \
			exit(1);                                                                  \
		}                                                                                 \
	} while (0)

/* Requires that a program failed, said why on standard error, and printed only `text`. */
#define CHECK_COMPLAINS(run, text)                                                           \
	do {                                                                                      \
		struct finished *it_ = (run);                                                     \
		CHECK(WIFEXITED(it_->status) && WEXITSTATUS(it_->status) != 0 && WEXITSTATUS(it_->status) < 126); \
		CHECK(it_->err_bytes > 0);                                                        \
		CHECK(strcmp(it_->out, (text)) == 0);                                             \
	} while (0)

/* Writes a whole file. */
static inline void write_file(const char *path, const char *text)
{
	int file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
	CHECK(file >= 0);
	CHECK_EQUAL(write(file, text, strlen(text)), (ssize_t)strlen(text));
	CHECK_EQUAL(close(file), 0);
}

/* Requires what is in a file. */
static inline void check_file(const char *path, const char *text)
{
	char found[65536];
	int file = open(path, O_RDONLY);
	CHECK(file >= 0);
	ssize_t bytes = read(file, found, sizeof found - 1);
	CHECK_EQUAL(bytes, (ssize_t)strlen(text));
	CHECK(memcmp(found, text, (size_t)bytes) == 0);
	CHECK_EQUAL(close(file), 0);
}

#endif
