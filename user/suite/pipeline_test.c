/* The shell's parser of pipelines and background marks, without any process. */
#include "suite.h"
#include "pipeline.h"

static struct pipeline it;
#define WORD(stage, word, text) CHECK(strcmp(it.stages[stage].words[word], text) == 0)

int main(void)
{
	CHECK_EQUAL(pipeline_parse(&it, ""), PIPELINE_EMPTY);
	CHECK_EQUAL(pipeline_parse(&it, "  \t\n"), PIPELINE_EMPTY);
	CHECK_EQUAL(pipeline_parse(&it, "# a remark"), PIPELINE_EMPTY);
	CHECK_EQUAL(pipeline_parse(&it, "ls"), PIPELINE_OK);
	CHECK_EQUAL(it.count, 1);
	CHECK_EQUAL(it.stages[0].count, 1);
	CHECK_EQUAL(it.in_background, 0);
	WORD(0, 0, "ls");
	CHECK(it.stages[0].words[1] == NULL);
	CHECK_EQUAL(pipeline_parse(&it, "cat a b|grep -v x | wc -l &"), PIPELINE_OK);
	CHECK_EQUAL(it.count, 3);
	CHECK_EQUAL(it.in_background, 1);
	CHECK_EQUAL(it.stages[0].count, 3);
	WORD(0, 2, "b");
	WORD(1, 0, "grep");
	WORD(2, 1, "-l");
	CHECK_EQUAL(pipeline_parse(&it, "sleep 5&"), PIPELINE_OK);
	CHECK_EQUAL(it.in_background, 1);
	WORD(0, 1, "5");
	CHECK_EQUAL(pipeline_parse(&it, "echo 'a | b' \"c & 'd'\" e\\ f \"\""), PIPELINE_OK);
	CHECK_EQUAL(it.count, 1);
	CHECK_EQUAL(it.stages[0].count, 5);
	WORD(0, 1, "a | b");
	WORD(0, 2, "c & 'd'");
	WORD(0, 3, "e f");
	WORD(0, 4, "");
	CHECK_EQUAL(pipeline_parse(&it, "sort <in >out"), PIPELINE_OK);
	CHECK(strcmp(it.stages[0].input, "in") == 0 && strcmp(it.stages[0].output, "out") == 0);
	CHECK_EQUAL(it.stages[0].appends, 0);
	CHECK_EQUAL(pipeline_parse(&it, "a | b >> log"), PIPELINE_OK);
	CHECK(it.stages[0].output == NULL && strcmp(it.stages[1].output, "log") == 0);
	CHECK_EQUAL(it.stages[1].appends, 1);
	static const char *const wrong[] = { "|", "a |", "| a", "a || b", "&", "a & b", "a >", "a > | b", "a < > b", "> x", "a | > x", "a &&" };
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
		if (pipeline_parse(&it, wrong[i]) != PIPELINE_SYNTAX) {
			fprintf(stderr, "\"%s\" was not refused\n", wrong[i]);
			return 1;
		}
	CHECK_EQUAL(pipeline_parse(&it, "echo 'open"), PIPELINE_QUOTE);
	CHECK_EQUAL(pipeline_parse(&it, "echo \"open"), PIPELINE_QUOTE);
	CHECK_EQUAL(pipeline_parse(&it, "a|a|a|a|a|a|a|a"), PIPELINE_OK);
	CHECK_EQUAL(it.count, 8);
	CHECK_EQUAL(pipeline_parse(&it, "a|a|a|a|a|a|a|a|a"), PIPELINE_LONG);
	CHECK_EQUAL(pipeline_parse(&it, "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16"), PIPELINE_OK);
	CHECK_EQUAL(pipeline_parse(&it, "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17"), PIPELINE_LONG);
	char lengthy[LINE_BYTES + 1];
	memset(lengthy, 'x', LINE_BYTES);
	lengthy[LINE_BYTES] = 0;
	CHECK_EQUAL(pipeline_parse(&it, lengthy), PIPELINE_LONG);
	lengthy[LINE_BYTES - 1] = 0;
	CHECK_EQUAL(pipeline_parse(&it, lengthy), PIPELINE_OK);
	CHECK_EQUAL(strlen(it.stages[0].words[0]), LINE_BYTES - 1);
	return 0;
}
